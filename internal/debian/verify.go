package debian

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// MaxRelease bounds a Release or InRelease file in bytes; the largest real one has 250 KB.
const MaxRelease = 16 << 20

const maxSignatures = 16

var (
	clearsignStart = []byte("-----BEGIN PGP SIGNED MESSAGE-----")
	signatureEnd   = []byte("-----END PGP SIGNATURE-----")
)

// VerifyReleaseAt checks an InRelease file's signatures against keyring at a given time and parses exactly the bytes that were signed. One
// valid signature by a key of the ring is enough; others, by keys that the ring does not have, are ignored, and so are keys and
// signatures that had expired by then. Anything outside the signed block makes the file untrusted. Every refusal is Untrusted.
func VerifyReleaseAt(inrelease []byte, keyring openpgp.EntityList, now time.Time) (Release, error) {
	text, signatures, err := signedText(inrelease)
	if err != nil {
		return Release{}, untrusted(err)
	}
	if err := verifyAny(text, signatures, keyring, now); err != nil {
		return Release{}, untrusted(err)
	}
	release, err := ParseRelease(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	if err != nil {
		return Release{}, untrusted(err)
	}
	return release, nil
}

func untrusted(err error) error {
	return &patch.Error{Kind: patch.Untrusted, What: "the InRelease file does not verify", Err: err}
}

// signedText takes a clear-signed file apart. Only one block, from the first byte to the last, is accepted.
func signedText(b []byte) (text []byte, signatures []*packet.Signature, err error) {
	switch {
	case len(b) > MaxRelease:
		return nil, nil, fmt.Errorf("it is larger than %d bytes", MaxRelease)
	case !bytes.HasPrefix(b, clearsignStart):
		return nil, nil, errors.New("it does not begin with a signed message")
	case bytes.Count(b, clearsignStart) != 1 || bytes.Count(b, signatureEnd) != 1:
		return nil, nil, errors.New("it does not hold exactly one signed message")
	}
	block, rest := clearsign.Decode(b)
	if block == nil {
		return nil, nil, errors.New("its signed message is malformed or cut off")
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, nil, errors.New("it has unsigned data after the signature")
	}
	signatures, err = readSignatures(block.ArmoredSignature.Body)
	return block.Bytes, signatures, err
}

func readSignatures(r io.Reader) (signatures []*packet.Signature, err error) {
	for packets := packet.NewReader(r); ; {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			return signatures, nil
		}
		if err != nil {
			return nil, fmt.Errorf("its signature cannot be read: %w", err)
		}
		sig, ok := p.(*packet.Signature)
		if !ok {
			return nil, errors.New("its signature block holds something else than signatures")
		}
		if len(signatures) == maxSignatures {
			return nil, fmt.Errorf("it has more than %d signatures", maxSignatures)
		}
		signatures = append(signatures, sig)
	}
}

// VerifyDetachedAt checks a file against its detached, armoured signatures as VerifyReleaseAt does a clear-signed one. name is for the
// refusal, which is Untrusted.
func VerifyDetachedAt(name string, text, armoured []byte, keyring openpgp.EntityList, now time.Time) error {
	refuse := func(err error) error {
		return &patch.Error{Kind: patch.Untrusted, What: phrase.Of("the signature of {1} does not verify", name), Err: err}
	}
	block, err := armor.Decode(io.LimitReader(bytes.NewReader(armoured), MaxRelease))
	if err != nil || block.Type != openpgp.SignatureType {
		return refuse(errors.New("the signature file holds no armoured signature"))
	}
	signatures, err := readSignatures(block.Body)
	if err != nil {
		return refuse(err)
	}
	if err := verifyAny(text, signatures, keyring, now); err != nil {
		return refuse(err)
	}
	return nil
}

// verifyAny checks each signature by itself, so that one by an unknown or expired key does not hide a good one.
func verifyAny(text []byte, signatures []*packet.Signature, keyring openpgp.EntityList, now time.Time) error {
	config := &packet.Config{Time: func() time.Time { return now }, MinRSABits: 2048}
	var last error
	unknown := 0
	for _, sig := range signatures {
		var raw bytes.Buffer
		if err := sig.Serialize(&raw); err != nil {
			last = err
			continue
		}
		_, err := openpgp.CheckDetachedSignature(keyring, bytes.NewReader(text), &raw, config)
		if err == nil {
			return nil
		}
		if sig.IssuerKeyId != nil && len(keyring.KeysById(*sig.IssuerKeyId)) == 0 {
			unknown++
			continue
		}
		last = err
	}
	switch {
	case last != nil:
		return fmt.Errorf("no signature holds: %w", last)
	case unknown > 0:
		return fmt.Errorf("none of its %d signatures is by a key of the keyring", unknown)
	}
	return errors.New("it is not signed")
}
