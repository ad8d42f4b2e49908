package detect

import (
	"context"
	"strings"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// Classes of OVAL whose items are packages, and the package manager of each.
const (
	classDpkg = "dpkginfo"
	classRPM  = "rpminfo"
	classAPK  = "apkinfo"
)

func managerOf(class string) (manager string, ok bool) {
	switch class {
	case classDpkg:
		return "dpkg", true
	case classRPM:
		return "rpm", true
	case classAPK:
		return "apk", true
	}
	return "", false
}

// Items is an item.Source over facts: packages as items of the classes dpkginfo, rpminfo and apkinfo (linux definitions schema of OVAL
// 5.11), anything else as it was collected.
func Items(f *patch.Facts) item.Source {
	return answersOf(f, item.NewStored(f.Objects))
}

// answers gives packages and the operating system from facts, and anything else from another source.
type answers struct {
	packages []patch.Package
	manager  string
	os       *patch.OSFacts
	other    item.Source
}

func answersOf(f *patch.Facts, other item.Source) answers {
	return answers{packages: f.Packages, manager: f.OS.Manager, os: &f.OS, other: other}
}

// Probe answers as OpenSCAP does: a package counts from its first unpacking until only its configuration files are left.
func (a answers) Probe(ctx context.Context, r item.Request) patch.Collected {
	manager, ok := managerOf(r.Class)
	switch {
	case r.Class == classWindows || r.Class == classMacOS:
		return a.systemItem(ctx, r)
	case r.Class == classProgram:
		return withKeys(a.other.Probe(ctx, r))
	case !ok:
		return a.other.Probe(ctx, r)
	}
	c := patch.Collected{Flag: patch.FlagNotExist, Fields: []string{item.Every}}
	if a.manager != "" && a.manager != manager {
		return c
	}
	for i := range a.packages {
		p := &a.packages[i]
		if p.State == patch.Removed || !mayBe(&r, p) {
			continue
		}
		it := patch.Item{Fields: packageFields(r.Class, p)}
		switch wants(&r, it.Fields) {
		case item.True:
			c.Items, c.Flag = append(c.Items, it), patch.FlagComplete
		case item.False:
		default:
			return patch.Collected{Flag: patch.FlagError, Message: "the packages that are meant cannot be told"}
		}
	}
	return c
}

// Look lets the other source look at a file.
func (a answers) Look(ctx context.Context, dir, name string, fields []string) (patch.Collected, bool) {
	if l, ok := a.other.(item.Looker); ok {
		return l.Look(ctx, dir, name, fields)
	}
	return patch.Collected{}, false
}

// mayBe spares most packages the comparison of fields.
func mayBe(r *item.Request, p *patch.Package) bool {
	w := r.Entities
	return len(w) == 0 || w[0].Name != "name" || w[0].Operation != item.Equals || len(w[0].Values) != 1 || w[0].Values[0] == p.Name
}

// wants is whether an item's fields are what a request asks for.
func wants(r *item.Request, fields []patch.Field) item.Value {
	var all item.Tally
	for i := range r.Entities {
		w := &r.Entities[i]
		var values item.Tally
		for _, f := range fields {
			for _, v := range w.Values {
				if f.Name == w.Name {
					one, _ := item.Compare(w.Operation, w.Datatype, f.Value, v)
					values.Add(one)
				}
			}
		}
		all.Add(values.Check(w.Check))
	}
	return all.Join(item.And)
}

// evr cuts a version into its parts; epoch is empty where there is none.
func evr(version string) (epoch, upstream, release string) {
	if i := strings.IndexByte(version, ':'); i >= 0 {
		epoch, version = version[:i], version[i+1:]
	}
	if i := strings.LastIndexByte(version, '-'); i >= 0 {
		return epoch, version[:i], version[i+1:]
	}
	return epoch, version, ""
}

// withEpoch is a version as OVAL's evr fields hold it: the epoch is always there.
func withEpoch(version string) string {
	if strings.IndexByte(version, ':') >= 0 {
		return version
	}
	return "0:" + version
}

// packageFields gives a package as an item: the fields of the schema, in its order.
func packageFields(class string, p *patch.Package) []patch.Field {
	epoch, upstream, release := evr(p.Version)
	datatype := item.EVR.String()
	switch {
	case class == classDpkg:
		datatype = item.DebianEVR.String()
		if epoch == "" {
			epoch = "0"
		}
	case epoch == "":
		epoch = "(none)" // as rpm prints it
	}
	fields := []patch.Field{{Name: "name", Value: p.Name}, {Name: "arch", Value: p.Arch}, {Name: "epoch", Value: epoch},
		{Name: "release", Value: release}, {Name: "version", Value: upstream}, {Name: "evr", Type: datatype, Value: withEpoch(p.Version)}}
	if class == classRPM {
		fields = append(fields, patch.Field{Name: "signature_keyid", Value: signer(p)},
			patch.Field{Name: "extended_name", Value: p.Name + "-" + withEpoch(p.Version) + "." + p.Arch})
	}
	return fields
}

// signer is the key of a package's signature; "0" is none.
func signer(p *patch.Package) string {
	if p.Signer == "" {
		return "0"
	}
	return p.Signer
}

// packageField gives one field of packageFields.
func packageField(class string, p *patch.Package, name string) (string, bool) {
	for _, f := range packageFields(class, p) {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}
