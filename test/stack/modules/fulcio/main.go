// A Fulcio on 127.0.0.1 that answers its HTTP API only: upstream's server opens gRPC and metrics ports on every
// interface and talks to itself through a socket in the file system. Both versions of the API call the same CA here.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	ctclient "github.com/google/certificate-transparency-go/client"
	"github.com/google/certificate-transparency-go/jsonclient"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/sigstore/fulcio/pkg/ca/fileca"
	"github.com/sigstore/fulcio/pkg/config"
	"github.com/sigstore/fulcio/pkg/generated/protobuf"
	"github.com/sigstore/fulcio/pkg/generated/protobuf/legacy"
	"github.com/sigstore/fulcio/pkg/server"
	v1 "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// What clients may sign with.
var algorithms = []v1.PublicKeyDetails{
	v1.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
	v1.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384,
	v1.PublicKeyDetails_PKIX_ECDSA_P521_SHA_512,
	v1.PublicKeyDetails_PKIX_RSA_PKCS1V15_2048_SHA256,
	v1.PublicKeyDetails_PKIX_RSA_PKCS1V15_4096_SHA256,
	v1.PublicKeyDetails_PKIX_ED25519,
}

const maxRequestBytes = 4 << 20

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	issuers := flag.String("config", "", "file that says which issuers of tokens are trusted")
	chain := flag.String("chain", "", "file of the certificates in PEM, the issuing one first")
	key := flag.String("key", "", "file of the issuing key, an encrypted PKCS#8 in PEM")
	password := flag.String("password", "", "password of the key")
	ctLog := flag.String("ct-log", "", "URL of the certificate transparency log")
	ctLogKey := flag.String("ct-log-key", "", "file of the log's public key in PEM")
	flag.Parse()

	handler, err := newHandler(*issuers, *chain, *key, *password, *ctLog, *ctLogKey)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), handler))
}

func newHandler(issuers, chain, key, password, ctLog, ctLogKey string) (http.Handler, error) {
	settings, err := config.Load(issuers)
	if err != nil {
		return nil, err
	}
	authority, err := fileca.NewFileCA(chain, key, password, false)
	if err != nil {
		return nil, err
	}
	logKey, err := os.ReadFile(ctLogKey)
	if err != nil {
		return nil, err
	}
	ct, err := ctclient.New(ctLog, http.DefaultClient, jsonclient.Options{PublicKey: string(logKey)})
	if err != nil {
		return nil, err
	}
	registry, err := signature.NewAlgorithmRegistryConfig(algorithms)
	if err != nil {
		return nil, err
	}
	mux := runtime.NewServeMux(runtime.WithMetadata(tokenOf), runtime.WithForwardResponseOption(setStatus))
	current := server.NewGRPCCAServer(ct, authority, registry, server.NewIssuerPool(settings))
	if err := protobuf.RegisterCAHandlerServer(context.Background(), mux, current); err != nil {
		return nil, err
	}
	if err := legacy.RegisterCAHandlerServer(context.Background(), mux, server.NewLegacyGRPCCAServer(current)); err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequestBytes)
		mux.ServeHTTP(w, r.WithContext(config.With(r.Context(), settings)))
	}), nil
}

// The first version of the API takes the token from a header.
func tokenOf(_ context.Context, r *http.Request) metadata.MD {
	return metadata.Pairs(server.MetadataOIDCTokenKey, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}

// The first version of the API answers with 201 and hands out a detached SCT in a header.
func setStatus(ctx context.Context, w http.ResponseWriter, _ proto.Message) error {
	answered, ok := runtime.ServerMetadataFromContext(ctx)
	if !ok {
		return nil
	}
	if sct := answered.HeaderMD.Get(server.SCTMetadataKey); len(sct) > 0 {
		w.Header().Set("SCT", sct[0])
	}
	if status := answered.HeaderMD.Get(server.HTTPResponseCodeMetadataKey); len(status) > 0 {
		code, err := strconv.Atoi(status[0])
		if err != nil {
			return err
		}
		w.WriteHeader(code)
	}
	return nil
}
