// What containerd makes of a folder of hosts.toml files: for each registry that is named, the hosts that it would ask, in order.
// Upstream has no program that says so without pulling.
package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/core/remotes/docker/config"
)

type host struct {
	Origin       string `json:"origin"`
	Path         string `json:"path"`
	Pull         bool   `json:"pull"`
	Resolve      bool   `json:"resolve"`
	Certificates int    `json:"certificates"`
	Authorities  int    `json:"authorities"`
}

func main() {
	hostsOf := config.ConfigureHosts(context.Background(), config.HostOptions{HostDir: config.HostDirFromRoot(os.Args[1])})
	registries := map[string][]host{}
	for _, name := range os.Args[2:] {
		found, err := hostsOf(name)
		if err != nil {
			log.Fatal(err)
		}
		hosts := []host{}
		for _, one := range found {
			hosts = append(hosts, describe(one))
		}
		registries[name] = hosts
	}
	if err := json.NewEncoder(os.Stdout).Encode(registries); err != nil {
		log.Fatal(err)
	}
}

func describe(one docker.RegistryHost) host {
	described := host{
		Origin: one.Scheme + "://" + one.Host,
		// As a request joins it to the name of the repository.
		Path:    strings.TrimSuffix(path.Join("/", one.Path), "/"),
		Pull:    one.Capabilities.Has(docker.HostCapabilityPull),
		Resolve: one.Capabilities.Has(docker.HostCapabilityResolve),
	}
	if transport, ok := one.Client.Transport.(*http.Transport); ok && transport.TLSClientConfig != nil {
		described.Certificates = len(transport.TLSClientConfig.Certificates)
		described.Authorities = len(subjects(transport.TLSClientConfig.RootCAs)) - len(subjects(systemPool()))
	}
	return described
}

// A pool that is not set is the system's.
func subjects(pool *x509.CertPool) [][]byte {
	if pool == nil {
		pool = systemPool()
	}
	return pool.Subjects()
}

func systemPool() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		log.Fatal(err)
	}
	return pool
}
