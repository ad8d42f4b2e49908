package feed

import (
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// UnsignedAddress is Address for what carries no signature: a keyring, which could verify nothing, does not open the way over plain http.
func UnsignedAddress(f patch.Feed) (string, error) {
	f.Keyring = ""
	return Address(f)
}

// Address checks where a feed without a signature of its own kind comes from, and gives it as a URL without a slash at the end. A path
// of this machine becomes a file URL. What comes over plain http from another machine must have a keyring to verify it with: anybody on
// the way could write it.
func Address(f patch.Feed) (string, error) {
	bad := func(why, do phrase.Phrase) error {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("the feed {1} cannot be fetched", f.Name), Why: why, Do: do}
	}
	uri := f.URI
	if strings.HasPrefix(uri, "/") {
		uri = (&url.URL{Scheme: "file", Path: path.Clean(uri)}).String()
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Opaque != "" || u.Scheme != "file" && u.Host == "" || u.Scheme == "file" && (u.Host != "" || u.Path == ""):
		return "", bad("its address is neither of the form https://host/path nor a path of this machine", "Correct the feed.")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", bad("its address holds a password, a query or a fragment", "Correct the feed.")
	case u.Scheme == "https" || u.Scheme == "file":
	case u.Scheme != "http":
		return "", bad(phrase.Of("addresses of the kind {1} are not known", u.Scheme), "Use https, http or a directory.")
	case f.Keyring == "" && !here(u.Hostname()):
		return "", bad("it would come over plain http and with no signature to verify", "Use https, or give the keyring that the vendor signs the feed with.")
	}
	return strings.TrimRight(uri, "/"), nil
}

// here tells whether a host name is this machine itself.
func here(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
