package host

import (
	"context"
	"fmt"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/fettle-project/fettle/internal/patch"
)

// Authenticode verifies installers by the signature in them, with the certificates that this machine trusts. A definition that names a
// signer is content with no other. One that names none is vouched for by the hash in the order alone, as its vendor does not sign.
type Authenticode struct {
	Payloads string // the folder of fetched files, by their SHA-256
}

// Verify gives who signed each file, by its SHA-256.
func (a *Authenticode) Verify(ctx context.Context, _ Origin, want []patch.PlanPackage) (map[patch.Hash][]byte, error) {
	out, bad := map[patch.Hash][]byte{}, Unvouched{}
	for _, p := range want {
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		signer, err := a.verify(p)
		if err != nil {
			bad[p.SHA256] = err
			continue
		}
		out[p.SHA256] = []byte("signed by " + signer)
	}
	if len(bad) > 0 {
		return out, bad
	}
	return out, nil
}

func (a *Authenticode) verify(p patch.PlanPackage) (signer string, err error) {
	path := filepath.Join(a.Payloads, string(p.SHA256))
	if err := CheckFile(path, p.Size, p.SHA256); err != nil {
		return "", err
	}
	if p.Setup == nil {
		return "", patch.Errorf(patch.Invalid, "the order does not say how %s is installed", p.Name)
	}
	if p.Setup.Signer == "" {
		return "nobody", nil
	}
	named := path + extension(p.Setup.Kind) // how a signature is kept, Windows tells by the file's name
	if err := place(path, named); err != nil {
		return "", err
	}
	signer, err = signerOf(named)
	switch {
	case err != nil:
		return "", patch.Errorf(patch.Untrusted, "the signature of %s %s does not verify on this machine: %w", p.Name, p.Version, err)
	case signer != p.Setup.Signer:
		return "", patch.Errorf(patch.Untrusted, "%s %s is signed by %q, and the order wants %q", p.Name, p.Version, tidy(signer, 200), p.Setup.Signer)
	}
	return signer, nil
}

// signerOf verifies a file's signature and gives the common name of the certificate that signed.
func signerOf(path string) (string, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return "", err
	}
	data := &windows.WinTrustData{Size: uint32(unsafe.Sizeof(windows.WinTrustData{})), UIChoice: windows.WTD_UI_NONE, RevocationChecks: windows.WTD_REVOKE_NONE,
		UnionChoice: windows.WTD_CHOICE_FILE, StateAction: windows.WTD_STATEACTION_VERIFY,
		FileOrCatalogOrBlobOrSgnrOrCert: unsafe.Pointer(&windows.WinTrustFileInfo{Size: uint32(unsafe.Sizeof(windows.WinTrustFileInfo{})), FilePath: name})}
	trusted := windows.WinVerifyTrustEx(windows.InvalidHWND, &windows.WINTRUST_ACTION_GENERIC_VERIFY_V2, data)
	signer, rooted, known := certified(data.StateData)
	data.StateAction = windows.WTD_STATEACTION_CLOSE
	_ = windows.WinVerifyTrustEx(windows.InvalidHWND, &windows.WINTRUST_ACTION_GENERIC_VERIFY_V2, data)
	switch {
	case trusted != nil:
		return "", fmt.Errorf("%s", distrust(trusted))
	case !known:
		return "", fmt.Errorf("its certificate cannot be read")
	case !rooted:
		return "", fmt.Errorf("its certificate leads to no authority that this machine trusts")
	}
	return signer, nil
}

// distrust says in words what Windows says by a number.
func distrust(err error) string {
	for _, known := range []struct {
		code windows.Handle
		text string
	}{{windows.TRUST_E_NOSIGNATURE, "it is not signed"}, {windows.TRUST_E_BAD_DIGEST, "it was changed after it had been signed"},
		{windows.CERT_E_UNTRUSTEDROOT, "its certificate comes from an authority that this machine does not trust"},
		{windows.CERT_E_CHAINING, "its certificate leads to no authority that this machine trusts"}, {windows.CERT_E_EXPIRED, "its certificate has expired"},
		{windows.CERT_E_REVOKED, "its certificate was revoked"}, {windows.TRUST_E_SUBJECT_FORM_UNKNOWN, "files of its kind cannot be signed"}} {
		if err == error(windows.Errno(known.code)) {
			return known.text
		}
	}
	return err.Error()
}

// certified reads the signer's certificate out of what WinVerifyTrust kept, and follows it to its root once more: Wine's WinVerifyTrust is
// content with a root that nobody trusts.
func certified(state windows.Handle) (name string, rooted, known bool) {
	trust := windows.NewLazySystemDLL("wintrust.dll")
	provider, _, _ := trust.NewProc("WTHelperProvDataFromStateData").Call(uintptr(state))
	if provider == 0 {
		return "", false, false
	}
	signer, _, _ := trust.NewProc("WTHelperGetProvSignerFromChain").Call(provider, 0, 0, 0)
	if signer == 0 {
		return "", false, false
	}
	cert, _, _ := trust.NewProc("WTHelperGetProvCertFromChain").Call(signer, 0)
	if cert == 0 {
		return "", false, false
	}
	type providerCert struct { // CRYPT_PROVIDER_CERT, as far as it is read
		size uint32
		cert *windows.CertContext
	}
	c := (*(**providerCert)(unsafe.Pointer(&cert))).cert
	if c == nil {
		return "", false, false
	}
	oid := []byte("2.5.4.3\x00") // common name
	text := make([]uint16, 256)
	n := windows.CertGetNameString(c, windows.CERT_NAME_ATTR_TYPE, 0, unsafe.Pointer(&oid[0]), &text[0], uint32(len(text)))
	return windows.UTF16ToString(text), leadsToRoot(c), n > 1
}

// leadsToRoot says whether a certificate's chain ends in a root that this machine trusts, every link signed by the next. Its time is
// WinVerifyTrust's to judge, which knows when the file was signed.
func leadsToRoot(c *windows.CertContext) bool {
	para := windows.CertChainPara{Size: uint32(unsafe.Sizeof(windows.CertChainPara{}))}
	var chain *windows.CertChainContext
	if windows.CertGetCertificateChain(0, c, nil, c.Store, &para, 0, 0, &chain) != nil {
		return false
	}
	defer windows.CertFreeCertificateChain(chain)
	const bad = windows.CERT_TRUST_IS_UNTRUSTED_ROOT | windows.CERT_TRUST_IS_PARTIAL_CHAIN | windows.CERT_TRUST_IS_NOT_SIGNATURE_VALID | windows.CERT_TRUST_IS_EXPLICIT_DISTRUST
	return chain.TrustStatus.ErrorStatus&bad == 0
}
