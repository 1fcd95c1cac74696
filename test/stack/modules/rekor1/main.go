// A Rekor v1 log whose Trillian backend lives in the same process, in memory: what it has logged ends with it.
// Upstream's server wants a database and opens a metrics port on every interface; this one listens on 127.0.0.1 only.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"time"

	"github.com/go-openapi/loads"
	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	trillianlog "github.com/google/trillian/log"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"github.com/google/trillian/util/election"
	"github.com/google/trillian/util/election2"
	"github.com/sigstore/rekor/pkg/api"
	"github.com/sigstore/rekor/pkg/generated/restapi"
	"github.com/sigstore/rekor/pkg/generated/restapi/operations"
	"github.com/spf13/viper"
	"google.golang.org/grpc"

	// The kinds of entry that cosign and sigstore-js write.
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.2"
	_ "github.com/sigstore/rekor/pkg/types/rekord/v0.0.1"
)

// A client waits until its entry is part of the tree, so this is what a test waits for each entry.
const sequencingInterval = 50 * time.Millisecond

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	hostname := flag.String("hostname", "", "origin of the checkpoints, before the number of the tree")
	key := flag.String("key", "", "file of the signing key, an unencrypted PKCS#8 in PEM")
	flag.Parse()

	backend, err := serveTrillian()
	if err != nil {
		log.Fatal(err)
	}
	viper.Set("trillian_log_server.address", backend.IP.String())
	viper.Set("trillian_log_server.port", backend.Port)
	viper.Set("rekor_server.hostname", *hostname)
	viper.Set("rekor_server.signer", *key)
	// The search index is left out: it wants a Redis.
	viper.Set("enabled_api_endpoints", []string{
		"getLogInfo", "getPublicKey", "getLogProof", "createLogEntry",
		"getLogEntryByIndex", "getLogEntryByUUID", "searchLogQuery",
	})

	document, err := loads.Embedded(restapi.SwaggerJSON, restapi.FlatSwaggerJSON)
	if err != nil {
		log.Fatal(err)
	}
	rekor := restapi.NewServer(operations.NewRekorServerAPI(document))
	rekor.Host = "127.0.0.1"
	rekor.Port = *port
	rekor.EnabledListeners = []string{"http"}
	// Tree 0 asks for a new one.
	api.ConfigureAPI(0)
	rekor.ConfigureAPI()
	if err := rekor.Serve(); err != nil {
		log.Fatal(err)
	}
}

// serveTrillian starts the log and its sequencer, and says where they listen.
func serveTrillian() (*net.TCPAddr, error) {
	trees := memory.NewTreeStorage()
	metrics := monitoring.InertMetricFactory{}
	registry := extension.Registry{
		AdminStorage:    memory.NewAdminStorage(trees),
		LogStorage:      memory.NewLogStorage(trees, metrics),
		ElectionFactory: election2.NoopFactory{},
		QuotaManager:    quota.Noop(),
		MetricFactory:   metrics,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	services := grpc.NewServer()
	trillian.RegisterTrillianLogServer(services, server.NewTrillianLogRPCServer(registry, clock.System))
	trillian.RegisterTrillianAdminServer(services, admin.New(registry, []trillian.TreeType{trillian.TreeType_LOG}))
	go func() { log.Fatal(services.Serve(listener)) }()

	sequencer := trillianlog.NewOperationManager(trillianlog.OperationInfo{
		Registry:       registry,
		BatchSize:      1000,
		NumWorkers:     1,
		RunInterval:    sequencingInterval,
		TimeSource:     clock.System,
		ElectionConfig: election.RunnerConfig{TimeSource: clock.System},
	}, trillianlog.NewSequencerManager(registry, 0))
	go sequencer.OperationLoop(context.Background())
	return listener.Addr().(*net.TCPAddr), nil
}
