// A certificate transparency log for the certificates of a Fulcio, on 127.0.0.1, over upstream's file storage.
// Upstream's own main wants versions of two modules that cannot be had, and fetches the roots of the world's browsers.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/tessera"
	tessera_posix "github.com/transparency-dev/tessera/storage/posix"
	tessera_antispam "github.com/transparency-dev/tessera/storage/posix/antispam"
	"github.com/transparency-dev/tesseract"
	"github.com/transparency-dev/tesseract/storage"
	"github.com/transparency-dev/tesseract/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

// A submission is answered once a checkpoint covers it, so these two are what a test waits for each certificate.
const (
	batchMaxAge        = 50 * time.Millisecond
	checkpointInterval = 200 * time.Millisecond
)

// What the paths of the log begin with. A request is taken only if its host and path begin with the log's origin.
const prefix = "ct"

const (
	noLimit              = -1
	requestTimeout       = 10 * time.Second
	batchMaxSize         = 256
	rememberedSubmission = 1024
	maxChainBytes        = 1 << 20
)

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	key := flag.String("key", "", "file of the signing key, an unencrypted PKCS#8 of a P-256 key in PEM")
	roots := flag.String("roots", "", "file of the roots whose certificates it takes, in PEM")
	folder := flag.String("storage", "", "folder of the log")
	flag.Parse()

	signer, err := readKey(*key)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := tesseract.NewLogHandler(
		context.Background(),
		"127.0.0.1/"+prefix,
		signer,
		tesseract.ChainValidationConfig{RootsPEMFile: *roots, ExtKeyUsages: "CodeSigning"},
		func(ctx context.Context, signer note.Signer) (*storage.CTStorage, error) {
			return openStorage(ctx, *folder, signer)
		},
		requestTimeout,
		false,
		prefix,
		tesseract.LogHandlerOpts{DedupRL: noLimit, MaxCertChainBytes: maxChainBytes},
	)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), handler))
}

func openStorage(ctx context.Context, folder string, signer note.Signer) (*storage.CTStorage, error) {
	driver, err := tessera_posix.New(ctx, tessera_posix.Config{Path: folder})
	if err != nil {
		return nil, err
	}
	antispam, err := tessera_antispam.NewAntispam(ctx, filepath.Join(folder, ".antispam"), tessera_antispam.AntispamOpts{})
	if err != nil {
		return nil, err
	}
	appender, _, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCTLayout().
		WithAntispam(rememberedSubmission, antispam).
		WithCheckpointInterval(checkpointInterval).
		WithBatching(batchMaxSize, batchMaxAge))
	if err != nil {
		return nil, err
	}
	issuers, err := posix.NewIssuerStorage(ctx, folder)
	if err != nil {
		return nil, err
	}
	return storage.NewCTStorage(ctx, &storage.CTStorageOptions{Appender: appender, Reader: reader, IssuerStorage: issuers})
}

func readKey(file string) (crypto.Signer, error) {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(bytes)
	if block == nil {
		return nil, errors.New("expected a key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("expected an ECDSA key, found %T", key)
	}
	return signer, nil
}
