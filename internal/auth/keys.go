package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Keys is everything secret that the appliance itself holds.
type Keys struct {
	Agents  *CA // of the agent listener and of machines
	Console *CA // of the console listener
	Catalog ed25519.PrivateKey
	// Approver signs orders. It is nil where the key has left the box; ApproverPublic is what agents pin.
	Approver       ed25519.PrivateKey
	ApproverPublic ed25519.PublicKey
}

// CatalogPublic is the key that agents verify revisions with.
func (k *Keys) CatalogPublic() ed25519.PublicKey { return k.Catalog.Public().(ed25519.PublicKey) }

// Files in the keys directory. The approver's private key is a file of its own, so that it can be moved away.
const (
	fileAgentCA     = "agent-ca"
	fileConsoleCA   = "console-ca"
	fileCatalog     = "catalog.key"
	fileApprover    = "approver.key"
	fileApproverPub = "approver.pub"
)

// CreateKeys makes all keys in dir, which is created for its owner alone. It never replaces a file: keys that exist are Conflict.
func CreateKeys(dir string, now time.Time) (*Keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, keyFault("cannot make the key directory", err)
	}
	if err := refuseExisting(dir); err != nil {
		return nil, err
	}
	agents, err := newCA("Fettle agent CA", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, now)
	if err != nil {
		return nil, err
	}
	console, err := newCA("Fettle console CA", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, now)
	if err != nil {
		return nil, err
	}
	_, catalog, errCatalog := ed25519.GenerateKey(rand.Reader)
	public, approver, errApprover := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(errCatalog, errApprover); err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot make signing keys: %w", err)
	}
	k := &Keys{Agents: agents, Console: console, Catalog: catalog, Approver: approver, ApproverPublic: public}
	return k, k.write(dir)
}

func refuseExisting(dir string) error {
	for _, name := range []string{fileAgentCA + ".key", fileConsoleCA + ".key", fileCatalog, fileApprover, fileApproverPub} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return &patch.Error{Kind: patch.Conflict, What: phrase.Of("cannot make new keys in {1}", dir), Why: phrase.Of("{1} is already there", name),
				Do: "An appliance's keys are made once. Choose another data directory."}
		}
	}
	return nil
}

func (k *Keys) write(dir string) error {
	err := errors.Join(
		writePrivate(dir, fileAgentCA+".key", k.Agents.key),
		writePEM(dir, fileAgentCA+".pem", 0o644, "CERTIFICATE", k.Agents.Certificate.Raw),
		writePrivate(dir, fileConsoleCA+".key", k.Console.key),
		writePEM(dir, fileConsoleCA+".pem", 0o644, "CERTIFICATE", k.Console.Certificate.Raw),
		writePrivate(dir, fileCatalog, k.Catalog),
		writePrivate(dir, fileApprover, k.Approver),
		writePublic(dir, fileApproverPub, k.ApproverPublic),
	)
	if err != nil {
		return keyFault("cannot write the keys", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return keyFault("cannot write the keys", err)
	}
	defer d.Close()
	return d.Sync()
}

func writePrivate(dir, name string, key any) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(dir, name, 0o600, "PRIVATE KEY", der)
}

func writePublic(dir, name string, key any) error {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return err
	}
	return writePEM(dir, name, 0o644, "PUBLIC KEY", der)
}

func writePEM(dir, name string, mode fs.FileMode, kind string, der []byte) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	err = pem.Encode(f, &pem.Block{Type: kind, Bytes: der})
	return errors.Join(err, f.Sync(), f.Close())
}

// OpenKeys reads what CreateKeys made. A private key that others on the box can read is Untrusted.
func OpenKeys(dir string) (*Keys, error) {
	k := &Keys{}
	var err error
	if k.Agents, err = openCA(dir, fileAgentCA); err != nil {
		return nil, err
	}
	if k.Console, err = openCA(dir, fileConsoleCA); err != nil {
		return nil, err
	}
	if k.Catalog, err = readPrivate[ed25519.PrivateKey](dir, fileCatalog); err != nil {
		return nil, err
	}
	der, err := readPEM(dir, fileApproverPub, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, keyFault("cannot read "+fileApproverPub, err)
	}
	var ok bool
	if k.ApproverPublic, ok = public.(ed25519.PublicKey); !ok {
		return nil, patch.Errorf(patch.Untrusted, "%s is not an Ed25519 key", fileApproverPub)
	}
	k.Approver, err = readPrivate[ed25519.PrivateKey](dir, fileApprover)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err == nil && !k.ApproverPublic.Equal(k.Approver.Public()) {
		err = patch.Errorf(patch.Untrusted, "%s and %s do not belong together", fileApprover, fileApproverPub)
	}
	return k, err
}

func openCA(dir, name string) (*CA, error) {
	key, err := readPrivate[*ecdsa.PrivateKey](dir, name+".key")
	if err != nil {
		return nil, err
	}
	der, err := readPEM(dir, name+".pem", "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, keyFault("cannot read "+name+".pem", err)
	}
	if !key.PublicKey.Equal(cert.PublicKey) || !cert.IsCA {
		return nil, patch.Errorf(patch.Untrusted, "%s.key and %s.pem do not belong together", name, name)
	}
	return &CA{Certificate: cert, key: key}, nil
}

func readPrivate[K any](dir, name string) (K, error) {
	var none K
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		return none, keyFault("cannot read the key "+name, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return none, &patch.Error{Kind: patch.Untrusted, What: phrase.Of("the key file {1} is open to others", filepath.Join(dir, name)),
			Do: "Set its mode to 0600, and ask who could have read it."}
	}
	der, err := readPEM(dir, name, "PRIVATE KEY")
	if err != nil {
		return none, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return none, keyFault("cannot read the key "+name, err)
	}
	key, ok := parsed.(K)
	if !ok {
		return none, patch.Errorf(patch.Untrusted, "the key %s is of another sort than expected", name)
	}
	return key, nil
}

func readPEM(dir, name, kind string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, keyFault("cannot read "+name, err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != kind {
		return nil, patch.Errorf(patch.Untrusted, "%s holds no %s", name, kind)
	}
	return block.Bytes, nil
}

func keyFault(what string, err error) error {
	e := &patch.Error{Kind: patch.Unavailable, What: phrase.Verbatim(what), Err: err}
	if errors.Is(err, fs.ErrNotExist) {
		e.Kind, e.Do = patch.NotFound, "Run `fettle init` first."
	}
	return e
}
