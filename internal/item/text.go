package item

import (
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// maxShown is how many of several values a text shows.
const maxShown = 5

// String says what is asked for as a person would: "/etc/foo.conf line 1 matching ^x".
func (r *Request) String() string {
	w := wording{r: r}
	var parts []string
	switch r.Class {
	case "textfilecontent54", "textfilecontent":
		parts = append(parts, w.path(), w.line(), w.pattern())
	case "xmlfilecontent", "plist510", "plist511", "yamlfilecontent":
		parts = append(parts, w.path(), w.take("xpath", "yamlpath"))
	case "wmiobject":
		parts = append(parts, w.take("wmi_class"))
	case "program", "msiproduct", "msipatch", "hotfix", "device":
		parts = append(parts, r.Class, w.take("name", "name_key", "product_code", "patch_code", "id", "hardware_id"))
	case "registrysubkeys":
		parts = append(parts, "keys below "+w.path())
	case "registry", "file", "filehash58", "filehash", "rpmverifyfile", "symlink", "fileextendedattribute":
		parts = append(parts, w.path())
	case "dpkginfo", "rpminfo", "pkginfo":
		parts = append(parts, "package", w.take("name"))
	default:
		parts = append(parts, strings.TrimRight(r.Class, "0123456789"))
	}
	for i := range r.Entities {
		if name := r.Entities[i].Name; !w.used[name] {
			if text := w.take(name); text != "" {
				parts = append(parts, strings.ReplaceAll(name, "_", " ")+" "+text)
			}
		}
	}
	return strings.Join(compact(parts), " ")
}

func compact(parts []string) []string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return kept
}

// wording remembers which entities a text has told.
type wording struct {
	r    *Request
	used map[string]bool
}

// take words the first of the named entities that the request has.
func (w *wording) take(names ...string) string {
	if w.used == nil {
		w.used = map[string]bool{}
	}
	for _, name := range names {
		for i := range w.r.Entities {
			if e := &w.r.Entities[i]; e.Name == name {
				w.used[name] = true
				return e.words()
			}
		}
	}
	return ""
}

// path words a file or a registry value.
func (w *wording) path() string {
	if w.r.Class == "registry" || w.r.Class == "registrysubkeys" {
		return strings.Join(compact([]string{shortHive(w.take("hive")), w.take("key"), w.take("name")}), `\`)
	}
	if p := w.take("filepath"); p != "" {
		return p
	}
	plain := w.plain("path") && w.plain("filename")
	dir, name := w.take("path"), w.take("filename")
	switch {
	case name == "":
		return dir
	case !plain && strings.Contains(dir, " "):
		return "file " + name + " in a folder " + dir
	case !plain:
		return "file " + name + " in " + dir
	case strings.Contains(dir, `\`):
		return strings.TrimSuffix(dir, `\`) + `\` + name
	}
	return strings.TrimSuffix(dir, "/") + "/" + name
}

// plain reports whether an entity names one value.
func (w *wording) plain(name string) bool {
	for i := range w.r.Entities {
		if e := &w.r.Entities[i]; e.Name == name {
			return e.Nil || e.Operation == Equals && len(e.Values) == 1
		}
	}
	return true
}

// line words which matches in a file are meant.
func (w *wording) line() string {
	switch n := w.take("instance"); n {
	case "", "1 or greater":
		return "any line"
	default:
		return "line " + n
	}
}

func (w *wording) pattern() string {
	p := w.take("pattern", "line")
	if p == "" || strings.HasPrefix(p, "matching ") {
		return p
	}
	return "matching " + p
}

func shortHive(s string) string {
	for _, h := range [...][2]string{{"HKEY_LOCAL_MACHINE", "HKLM"}, {"HKEY_CURRENT_USER", "HKCU"}, {"HKEY_CLASSES_ROOT", "HKCR"},
		{"HKEY_USERS", "HKU"}, {"HKEY_CURRENT_CONFIG", "HKCC"}} {
		if s == h[0] {
			return h[1]
		}
	}
	return s
}

// words says what values an entity wants: "x", "matching ^x", "one of a, b".
func (w *Wanted) words() string {
	if w.Nil {
		return ""
	}
	return expected(w.Operation, w.Datatype, w.Check, w.Values)
}

// expected words an operation on wanted values.
func expected(op Operation, as Datatype, check Check, values []string) string {
	text := strings.Join(shown(values), ", ")
	if len(values) > 1 {
		switch check {
		case All:
			text = "all of " + text
		case AtLeastOne:
			text = "one of " + text
		case OnlyOne:
			text = "exactly one of " + text
		default:
			text = "none of " + text
		}
	}
	newer, older := "greater than ", "less than "
	switch as {
	case Version, EVR, DebianEVR, IOSVersion, FilesetRevision, ProgramVersion, MacOSVersion:
		newer, older = "newer than ", "older than "
	case DateTime:
		newer, older = "later than ", "earlier than "
	}
	switch op {
	case NotEqual:
		return "other than " + text
	case CaseInsensitiveEquals:
		return text + " in any case"
	case CaseInsensitiveNotEqual:
		return "other than " + text + " in any case"
	case GreaterThan:
		return newer + text
	case LessThan:
		return older + text
	case GreaterThanOrEqual:
		return text + " or " + strings.TrimSuffix(newer, " than ")
	case LessThanOrEqual:
		return text + " or " + strings.TrimSuffix(older, " than ")
	case BitwiseAnd:
		return "with the bits " + text
	case BitwiseOr:
		return "with no bits but " + text
	case PatternMatch:
		return "matching " + text
	case SubsetOf:
		return "within " + text
	case SupersetOf:
		return "covering " + text
	case Like:
		return "like " + text
	case NotLike:
		return "not like " + text
	}
	return text
}

// shown are the first few of several values.
func shown(values []string) []string {
	if len(values) <= maxShown {
		return values
	}
	return append(values[:maxShown:maxShown], "… ("+strconv.Itoa(len(values))+" in all)")
}

// label says which item is meant, by what makes it distinct among those of an object.
func label(it *patch.Item) string {
	for _, by := range [...]struct{ name, between, more string }{{"filepath", "", ""}, {"path", "/", "filename"}, {"key", `\`, "name"},
		{"name", " ", "evr"}, {"package_identifier", "", ""}, {"pid", " ", "command_line"}, {"command_line", "", ""}, {"mount_point", "", ""}} {
		v := value(it, by.name)
		if v == "" {
			continue
		}
		if more := value(it, by.more); more != "" {
			v += by.between + more
		}
		return v
	}
	return ""
}

func value(it *patch.Item, name string) string {
	for i := range it.Fields {
		if it.Fields[i].Name == name {
			return it.Fields[i].Value
		}
	}
	return ""
}
