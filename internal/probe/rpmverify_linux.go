package probe

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/rpmdb"
)

// What rpm compares of a file (its RPMVERIFY_* bits).
const (
	verifyDigest = 1 << iota
	verifySize
	verifyLink
	verifyUser
	verifyGroup
	verifyTime
	verifyMode
	verifyDevice
	verifyCaps
	verifyNothing // the file could not be looked at
)

// Kinds of files (RPMFILE_* bits).
const (
	fileConfig  = 1 << 0
	fileDoc     = 1 << 1
	fileGhost   = 1 << 6
	fileLicense = 1 << 7
	fileReadme  = 1 << 8
)

var verifications = []struct {
	field    string
	behavior string // by which an object leaves it out
	bit      uint32
}{{"size_differs", "nosize", verifySize}, {"mode_differs", "nomode", verifyMode}, {"md5_differs", "nomd5", verifyDigest},
	{"filedigest_differs", "nofiledigest", verifyDigest}, {"device_differs", "nordev", verifyDevice}, {"link_mismatch", "nolinkto", verifyLink},
	{"ownership_differs", "nouser", verifyUser}, {"group_differs", "nogroup", verifyGroup}, {"mtime_differs", "nomtime", verifyTime},
	{"capabilities_differ", "nocaps", verifyCaps}}

// rpmverifyfile answers how files differ from what the packages brought that they belong to (OVAL's Linux schema), as `rpm -V` does.
func (g *gathering) rpmverifyfile() {
	var omit uint32
	for _, v := range verifications {
		if isTrue(g.behavior(v.behavior, "false")) {
			omit |= v.bit
		}
	}
	var packages []rpmdb.PackageFiles
	err := error(patch.Errorf(patch.NotFound, "there is no rpm database"))
	for _, dir := range []string{"/usr/lib/sysimage/rpm/", "/var/lib/rpm/", "/usr/share/rpm/"} {
		if patch.KindOf(err) == patch.NotFound {
			packages, err = rpmdb.ReadFiles(func(name string) (rpmdb.File, error) {
				f, err := g.m.tree.regular(dir + name)
				if err != nil {
					return nil, err
				}
				return f, nil
			}, g.isPackage, func(path string) bool { return g.is(g.entity("filepath"), path) })
		}
	}
	switch {
	case patch.KindOf(err) == patch.NotFound:
		return
	case err != nil:
		g.fail("cannot read the rpm database: " + err.Error())
		return
	}
	for i := range packages {
		p := &packages[i]
		for k := range p.Files {
			g.verified(p, &p.Files[k], omit)
		}
	}
}

// evr parts a version as rpm's facts have it.
func evr(p *patch.Package) (epoch, version, release string) {
	epoch, rest, found := strings.Cut(p.Version, ":")
	if !found {
		epoch, rest = "(none)", p.Version
	}
	at := max(0, strings.LastIndexByte(rest, '-'))
	return epoch, rest[:at], rest[at+1:]
}

func (g *gathering) isPackage(p patch.Package) bool {
	epoch, version, release := evr(&p)
	return g.is(g.entity("name"), p.Name) && g.is(g.entity("epoch"), epoch) && g.is(g.entity("version"), version) &&
		g.is(g.entity("release"), release) && g.is(g.entity("arch"), p.Arch)
}

// verified adds the item of one file.
func (g *gathering) verified(p *rpmdb.PackageFiles, file *rpmdb.InstalledFile, omit uint32) {
	if file.Flags&fileConfig != 0 && isTrue(g.behavior("noconfigfiles", "false")) || file.Flags&fileGhost != 0 && isTrue(g.behavior("noghostfiles", "false")) {
		return
	}
	epoch, version, release := evr(&p.Package)
	f := []patch.Field{text("name", p.Name), text("epoch", epoch), text("version", version), text("release", release), text("arch", p.Arch),
		text("filepath", file.Path)}
	known := epoch
	if known == "(none)" {
		known = "0"
	}
	more := []patch.Field{text("extended_name", p.Name+"-"+known+":"+version+"-"+release+"."+p.Arch)}
	result := g.verify(file, p.DigestAlgorithm, omit)
	for _, v := range verifications {
		value := "pass"
		switch {
		case omit&v.bit != 0 || result&verifyNothing != 0:
			value = "not performed"
		case result&v.bit != 0:
			value = "fail"
		}
		more = append(more, text(v.field, value))
	}
	for _, k := range []struct {
		field string
		bit   uint32
	}{{"configuration_file", fileConfig}, {"documentation_file", fileDoc}, {"ghost_file", fileGhost}, {"license_file", fileLicense}, {"readme_file", fileReadme}} {
		more = append(more, flag(k.field, file.Flags&k.bit != 0))
	}
	g.add(append(f, g.wanted(more...)...)...)
}

// verify gives the bits of what differs, by the rules of rpm's lib/verify.c.
func (g *gathering) verify(file *rpmdb.InstalledFile, algorithm, omit uint32) (result uint32) {
	if file.State != 0 {
		return 0
	}
	at := strings.LastIndexByte(file.Path, '/')
	st, err := g.m.tree.lstatDir(clipPath(file.Path))
	if at < 0 || err != nil {
		return verifyNothing
	}
	todo := file.Verify &^ omit
	if file.Flags&fileGhost != 0 {
		todo &^= verifyDigest | verifySize | verifyTime | verifyLink
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		todo &^= verifyLink
	case unix.S_IFLNK:
		todo &^= verifyDigest | verifySize | verifyTime | verifyMode | verifyCaps
	default:
		todo &^= verifyDigest | verifySize | verifyTime | verifyLink | verifyCaps
	}
	mode, want := st.Mode, file.Mode
	if file.Flags&fileGhost != 0 {
		mode, want = mode&^unix.S_IFMT, want&^unix.S_IFMT
	}
	isDevice := func(m uint32) uint32 {
		if t := m & unix.S_IFMT; t == unix.S_IFCHR || t == unix.S_IFBLK {
			return t
		}
		return 0
	}
	users, groups := g.m.accounts("/etc/passwd"), g.m.accounts("/etc/group")
	for bit, differs := range map[uint32]bool{
		verifySize:   uint64(st.Size) != file.Size,
		verifyMode:   mode != want,
		verifyTime:   uint32(st.Mtim.Sec) != file.Time,
		verifyUser:   users[strconv.Itoa(int(st.Uid))] != file.User,
		verifyGroup:  groups[strconv.Itoa(int(st.Gid))] != file.Group,
		verifyDevice: isDevice(st.Mode) != isDevice(file.Mode) || isDevice(st.Mode) != 0 && uint16(st.Rdev) != uint16(file.Device),
		verifyDigest: todo&verifyDigest != 0 && g.digest(file.Path, algorithm) != file.Digest,
		verifyLink:   todo&verifyLink != 0 && g.m.tree.readlink(file.Path) != file.Link,
		verifyCaps:   todo&verifyCaps != 0 && g.m.tree.hasCapabilities(file.Path) != (strings.Trim(file.Capabilities, "= ") != ""),
	} {
		if differs {
			result |= bit & todo
		}
	}
	return result
}

// digest is a file's digest in hexadecimal; empty where it cannot be read or the algorithm is unknown.
func (g *gathering) digest(path string, algorithm uint32) string {
	makers := map[uint32]func() hash.Hash{1: md5.New, 2: sha1.New, 8: sha256.New, 9: sha512.New384, 10: sha512.New, 11: sha256.New224}
	f, err := g.m.tree.regular(path)
	if err != nil || makers[algorithm] == nil {
		return ""
	}
	defer f.Close()
	h := makers[algorithm]()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// accounts gives names by number, of /etc/passwd or /etc/group.
func (m *Machine) accounts(path string) map[string]string {
	if all, ok := m.names[path]; ok {
		return all
	}
	if m.names == nil {
		m.names = map[string]map[string]string{}
	}
	all := map[string]string{}
	b, _ := m.tree.read(path, maxTable)
	for _, l := range slices.Backward(strings.Split(string(b), "\n")) { // the first of several counts
		if w := strings.SplitN(l, ":", 4); len(w) == 4 {
			all[w[2]] = w[0]
		}
	}
	m.names[path] = all
	return all
}
