package item

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
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
	return expected(w.Operation, w.Datatype, w.Check, w.Values).String()
}

// Wanted words an operation on one value: "older than 1.2".
func (o Operation) Wanted(as Datatype, value string) phrase.Phrase {
	return expected(o, as, All, []string{value})
}

// Words says of how many of several things a check wants something.
func (c Check) Words() phrase.Phrase {
	return [...]phrase.Phrase{"all", "at least one", "only one", "none satisfy", "none exist"}[c]
}

// expected words an operation on wanted values.
func expected(op Operation, as Datatype, check Check, values []string) phrase.Phrase {
	text := shown(values)
	if len(values) > 1 {
		switch check {
		case All:
			text = phrase.Of("all of {1}", text)
		case AtLeastOne:
			text = phrase.Of("one of {1}", text)
		case OnlyOne:
			text = phrase.Of("exactly one of {1}", text)
		default:
			text = phrase.Of("none of {1}", text)
		}
	}
	switch op {
	case NotEqual:
		return phrase.Of("other than {1}", text)
	case CaseInsensitiveEquals:
		return phrase.Of("{1} in any case", text)
	case CaseInsensitiveNotEqual:
		return phrase.Of("other than {1} in any case", text)
	case GreaterThan, LessThan, GreaterThanOrEqual, LessThanOrEqual:
		return order(op, as, text)
	case BitwiseAnd:
		return phrase.Of("with the bits {1}", text)
	case BitwiseOr:
		return phrase.Of("with no bits but {1}", text)
	case PatternMatch:
		return phrase.Of("matching {1}", text)
	case SubsetOf:
		return phrase.Of("within {1}", text)
	case SupersetOf:
		return phrase.Of("covering {1}", text)
	case Like:
		return phrase.Of("like {1}", text)
	case NotLike:
		return phrase.Of("not like {1}", text)
	}
	return text
}

// order words a place in an order, as people say it of such values.
func order(op Operation, as Datatype, text phrase.Phrase) phrase.Phrase {
	switch as {
	case Version, EVR, DebianEVR, IOSVersion, FilesetRevision, ProgramVersion, MacOSVersion:
		switch op {
		case GreaterThan:
			return phrase.Of("newer than {1}", text)
		case LessThan:
			return phrase.Of("older than {1}", text)
		case GreaterThanOrEqual:
			return phrase.Of("{1} or newer", text)
		}
		return phrase.Of("{1} or older", text)
	case DateTime:
		switch op {
		case GreaterThan:
			return phrase.Of("later than {1}", text)
		case LessThan:
			return phrase.Of("earlier than {1}", text)
		case GreaterThanOrEqual:
			return phrase.Of("{1} or later", text)
		}
		return phrase.Of("{1} or earlier", text)
	}
	switch op {
	case GreaterThan:
		return phrase.Of("greater than {1}", text)
	case LessThan:
		return phrase.Of("less than {1}", text)
	case GreaterThanOrEqual:
		return phrase.Of("{1} or greater", text)
	}
	return phrase.Of("{1} or less", text)
}

// shown lists the first few of several values.
func shown(values []string) phrase.Phrase {
	if len(values) <= maxShown {
		return phrase.Verbatim(strings.Join(values, ", "))
	}
	return phrase.Of("{1}, … ({2} in all)", strings.Join(values[:maxShown], ", "), len(values))
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
