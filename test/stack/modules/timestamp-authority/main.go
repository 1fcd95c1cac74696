// A timestamp authority on 127.0.0.1 only: upstream's server opens a metrics port on every interface.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

// The policy that the Sigstore authorities stamp under.
const policy = "1.3.6.1.4.1.57264.2"

const requestTimeout = 30 * time.Second

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	key := flag.String("key", "", "file of the signing key, an unencrypted PKCS#8 in PEM")
	chain := flag.String("chain", "", "file of the certificates in PEM, the signer's first, the root last")
	flag.Parse()

	viper.Set("timestamp-signer", "file")
	viper.Set("timestamp-signer-hash", "sha256")
	viper.Set("file-signer-key-path", *key)
	viper.Set("certificate-chain-path", *chain)
	viper.Set("enforce-intermediate-eku", true)
	viper.Set("default-policy-oid", policy)
	viper.Set("accepted-policy-oids", []string{policy})
	viper.Set("max-request-body-size", 1<<20)
	authority := server.NewRestAPIServer("127.0.0.1", *port, []string{"http"}, false, requestTimeout, requestTimeout)
	if err := authority.Serve(); err != nil {
		log.Fatal(err)
	}
}
