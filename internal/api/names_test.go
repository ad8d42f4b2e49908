package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

func packed(t *testing.T, r io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	enc, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(enc, r); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPlainNameTakesOutWhatHarms(t *testing.T) {
	for in, want := range map[string]string{
		"web-14":                 "web-14",
		" web\x00-14\n":          "web-14",
		"\x1b[2Jweb":             "[2Jweb",
		"w\xffeb":                "web",
		"größe":                  "größe",
		"<script>":               "<script>", // pages escape; the name stays what it is
		"a\u0085b\u009bc":        "abc",
		strings.Repeat("é", 300): strings.Repeat("é", 126),
	} {
		if got := plainName(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add("line\nline\x1b\xff")
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{plainName(s), clip(plainText(s), 10), clipTail(plainText(s), 10)} {
			if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\x1b\x7f") {
				t.Errorf("%q became %q", s, got)
			}
		}
		if len(clip(plainText(s), 10)) > 10 || len(clipTail(plainText(s), 10)) > 10 || len(plainName(s)) > 253 {
			t.Errorf("%q became too long", s)
		}
	})
}

func TestUploadsHaveTheHashOfTheirAddress(t *testing.T) {
	plain := `{"hostname":"web-14"}`
	body := packed(t, strings.NewReader(plain))
	sum := sha256.Sum256([]byte(plain))
	for hash, want := range map[string]bool{
		hex.EncodeToString(sum[:]): true,
		strings.Repeat("0", 64):    false,
		"../../etc/passwd":         false,
		"":                         false,
	} {
		r := httptest.NewRequest(http.MethodPut, "/", bytes.NewReader(body))
		r.SetPathValue("hash", hash)
		if _, _, _, err := readUpload[patch.Inventory](&call{Request: r}); (err == nil) != want {
			t.Errorf("an upload to %q gave %v", hash, err)
		}
	}
}
