package simulate

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Ecosystem and OS are of a release that no real machine has: what is simulated cannot be taken for anything else.
const (
	Ecosystem = "AlmaLinux:99"
	OS        = patch.HostOS("almalinux-99-x86_64")
)

// Advisories writes a database of n advisories in the OSV format, as an appliance subscribes to: several for most packages, spread over
// five years. The same n, seed and day give the same bytes.
func Advisories(w io.Writer, n int, seed uint64, day time.Time) error {
	z := zip.NewWriter(w)
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	severities := []string{"Low", "Moderate", "Moderate", "Important", "Critical"}
	for i, k, of := 0, 0, 0; i < n; i++ {
		if k == 0 {
			of = 1 + r.IntN(4)
		}
		k++
		at := day.AddDate(0, 0, -r.IntN(5*365))
		f, err := z.Create(fmt.Sprintf("ALSA-%d:%06d.json", at.Year(), i))
		if err != nil {
			return err
		}
		if err := json.NewEncoder(f).Encode(advisory(i, i-k+1, k, severities[r.IntN(len(severities))], at)); err != nil {
			return err
		}
		if k == of {
			k = 0
		}
	}
	return z.Close()
}

// advisory says that the k-th version of a package mends what the one before had.
func advisory(i, family, k int, severity string, at time.Time) map[string]any {
	name := fmt.Sprintf("simulated-%06d", family)
	return map[string]any{
		"id": fmt.Sprintf("ALSA-%d:%06d", at.Year(), i), "summary": fmt.Sprintf("%s: %s: simulated update %d", severity, name, k), "published": at.UTC(), "modified": at.UTC(),
		"related": []string{fmt.Sprintf("CVE-%d-%d", at.Year(), 100_000+i)}, "database_specific": map[string]any{"severity": severity},
		"affected": []any{map[string]any{
			"package": map[string]any{"ecosystem": Ecosystem, "name": name},
			"ranges":  []any{map[string]any{"type": "ECOSYSTEM", "events": []any{map[string]string{"introduced": "0"}, map[string]string{"fixed": fmt.Sprintf("1.%d.0-%d.el99", k, k)}}}},
		}},
	}
}
