package msrc

import (
	"regexp"
	"strings"
	"sync"
)

// csaf is a CSAF 2.0 advisory: what of it tells about updates.
type csaf struct {
	Document struct {
		Tracking struct {
			Initial string `json:"initial_release_date"`
		} `json:"tracking"`
		Aggregate struct {
			Text string `json:"text"`
		} `json:"aggregate_severity"`
	} `json:"document"`
	Tree struct {
		Branches []csafBranch `json:"branches"`
	} `json:"product_tree"`
	Vulnerabilities []struct {
		CVE          string            `json:"cve"`
		Threats      []csafThreat      `json:"threats"`
		Remediations []csafRemediation `json:"remediations"`
		Scores       []csafScore       `json:"scores"`
	} `json:"vulnerabilities"`
}

type csafBranch struct {
	Category string       `json:"category"`
	Name     string       `json:"name"`
	Branches []csafBranch `json:"branches"`
	Product  *struct {
		ID string `json:"product_id"`
	} `json:"product"`
}

type csafThreat struct {
	Category string   `json:"category"`
	Details  string   `json:"details"`
	Products []string `json:"product_ids"`
}

type csafScore struct {
	V3 struct {
		Base score `json:"baseScore"`
	} `json:"cvss_v3"`
	Products []string `json:"products"`
}

type csafRemediation struct {
	Category string   `json:"category"`
	Details  string   `json:"details"`
	URL      string   `json:"url"`
	Products []string `json:"product_ids"`
}

// csafProduct is a product ID: the name of the product, and the build that its range ends before, or that it is.
type csafProduct struct{ name, build string }

var (
	csafBuild = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9]{1,2}\.[0-9]\.[0-9]{4,6}\.[0-9]{1,6}`) })
	csafKB    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)(?:/help/|KB)([0-9]{6,8})`) })
)

const maxBranches = 40 // within each other

func (b *csafBranch) collect(name string, all map[string]csafProduct, depth int) {
	build := ""
	switch b.Category {
	case "product_name":
		name = b.Name
	case "product_version_range", "product_version":
		build = csafBuild().FindString(b.Name)
	}
	if b.Product != nil {
		all[b.Product.ID] = csafProduct{clip(name, 300), build}
	}
	for i := range b.Branches {
		if depth < maxBranches {
			b.Branches[i].collect(name, all, depth+1)
		}
	}
}

// add takes what an advisory says of updates.
func (c *csaf) add(s *Set) error {
	products := map[string]csafProduct{}
	for i := range c.Tree.Branches {
		c.Tree.Branches[i].collect("", products, 0)
	}
	for i := range c.Vulnerabilities {
		v := &c.Vulnerabilities[i]
		severities := map[string]string{}
		for _, t := range v.Threats {
			if t.Category == "impact" && severity(t.Details) != "" {
				for _, id := range t.Products {
					severities[id] = t.Details
				}
			}
		}
		scores := map[string]float64{}
		for _, x := range v.Scores {
			for _, id := range x.Products {
				scores[id] = max(scores[id], float64(x.V3.Base))
			}
		}
		for _, r := range v.Remediations {
			kb := csafKB().FindStringSubmatch(r.URL + " " + r.Details)
			if r.Category != "vendor_fix" || kb == nil {
				continue
			}
			for _, id := range r.Products {
				p := products[id]
				f := fix{product: p.name, kb: kb[1], build: p.build, cve: clip(v.CVE, 30), severity: severity(severities[id]), cvss: scores[id], released: moment(c.Document.Tracking.Initial)}
				if f.severity == "" {
					f.severity = severity(c.Document.Aggregate.Text)
				}
				if b := csafBuild().FindString(r.Details); b != "" {
					f.build = b
				}
				if parts := strings.Split(r.Details, ":"); len(parts) > 2 {
					f.kind = parts[1]
				}
				if err := s.add(f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
