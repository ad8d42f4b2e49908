// Package apktest makes Alpine repositories' files for tests, signed by keys of its own, as abuild-sign and apk-index do.
package apktest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
)

// KeyName is the name under which Sign's signatures name their key.
const KeyName = "test@example.org-4a6a0840.rsa.pub"

// Key makes a key and its public part as a file of /etc/apk/keys.
func Key(t testing.TB) (*rsa.PrivateKey, []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Index packs an index without a signature.
func Index(t testing.TB, description, index string) []byte {
	t.Helper()
	return pack(t, true, file{"DESCRIPTION", []byte(description)}, file{"APKINDEX", []byte(index)})
}

// Sign puts a signature with the hash before a packed index.
func Sign(t testing.TB, key *rsa.PrivateKey, hash crypto.Hash, index []byte) []byte {
	t.Helper()
	h := hash.New()
	h.Write(index)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, hash, h.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	kind := map[crypto.Hash]string{crypto.SHA1: ".SIGN.RSA.", crypto.SHA256: ".SIGN.RSA256."}[hash]
	return append(pack(t, false, file{kind + KeyName, signature}), index...)
}

type file struct {
	name  string
	bytes []byte
}

// pack makes one gzip member; its archive has an end mark only where ended is set.
func pack(t testing.TB, ended bool, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, f := range files {
		err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.bytes)), Mode: 0o644, Format: tar.FormatUSTAR})
		if err == nil {
			_, err = w.Write(f.bytes)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	end := w.Flush
	if ended {
		end = w.Close
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
