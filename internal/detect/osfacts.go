package detect

import (
	"context"
	"strings"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/program"
)

// Classes of which a machine has one item: what its operating system says of itself. docs/facts.md lists their fields.
const (
	classWindows = "windows"
	classMacOS   = "macos"
)

// classProgram are installed programs. Their fields name_key and publisher_key, by which definitions ask for them, follow from the names.
const classProgram = "program"

func withKeys(c patch.Collected) patch.Collected {
	items := make([]patch.Item, len(c.Items))
	for i, it := range c.Items {
		items[i] = patch.Item{Status: it.Status, Fields: make([]patch.Field, 0, len(it.Fields)+2)}
		for _, f := range it.Fields {
			switch f.Name {
			case "name_key", "publisher_key":
				continue
			case "name":
				items[i].Fields = append(items[i].Fields, patch.Field{Name: "name_key", Value: program.Key(program.Name(f.Value))})
			case "publisher":
				items[i].Fields = append(items[i].Fields, patch.Field{Name: "publisher_key", Value: program.Key(program.Publisher(f.Value))})
			}
			items[i].Fields = append(items[i].Fields, f)
		}
	}
	c.Items = items
	return c
}

// systemItem answers the classes windows and macos: what follows from facts about the OS, and beside it what was collected.
func (a answers) systemItem(ctx context.Context, r item.Request) patch.Collected {
	switch {
	case a.os == nil:
		return a.other.Probe(ctx, r)
	case a.os.ID != r.Class:
		return patch.Collected{Flag: patch.FlagNotExist, Fields: []string{item.Every}}
	}
	fields := windowsFields(a.os)
	if r.Class == classMacOS {
		fields = macFields(a.os)
	}
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Name] = true
	}
	if more := a.other.Probe(ctx, r); more.Flag == patch.FlagComplete && len(more.Items) == 1 {
		for _, f := range more.Items[0].Fields {
			if !known[f.Name] {
				fields = append(fields, f)
			}
		}
	}
	return patch.Collected{Flag: patch.FlagComplete, Fields: []string{item.Every}, Items: []patch.Item{{Fields: fields}}}
}

// windowsFields are those that follow from the version, the key and the architecture. What does not is left out: it is unknown.
func windowsFields(os *patch.OSFacts) []patch.Field {
	fields := []patch.Field{{Name: "version", Type: "version", Value: os.VersionID}, {Name: "product", Value: os.Pretty}, {Name: "edition", Value: os.Edition}}
	for i, part := range strings.Split(os.VersionID, ".") {
		if i < 4 {
			fields = append(fields, number([]string{"major", "minor", "build", "ubr"}[i], part))
		}
	}
	pack := os.ServicePack()
	if pack == "" {
		pack = "0"
	}
	fields = append(fields, number("service_pack_major", pack))
	if !strings.HasPrefix(string(os.Key), "windows-server-") {
		fields = append(fields, number("product_type", "1"))
	}
	if n, ok := processors[os.Arch]; ok {
		fields = append(fields, number("processor_architecture", n))
	}
	if tag, ok := languages[strings.ToLower(os.Language)]; ok {
		fields = append(fields, patch.Field{Name: "language", Value: tag})
	}
	return fields
}

func macFields(os *patch.OSFacts) []patch.Field {
	product, response, _ := strings.Cut(os.VersionID, " ")
	fields := []patch.Field{{Name: "version", Type: "version", Value: product}, {Name: "release", Value: os.VersionID}, {Name: "architecture", Value: os.Arch}}
	if response = strings.Trim(response, "()"); response != "" {
		fields = append(fields, patch.Field{Name: "response", Value: response})
	}
	for _, f := range []patch.Field{{Name: "build", Value: os.Build}, {Name: "model", Value: os.Model}} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

func number(name, value string) patch.Field {
	return patch.Field{Name: name, Type: "int", Value: value}
}

// processors are the numbers that SYSTEM_INFO.wProcessorArchitecture has for architectures.
var processors = map[string]string{"x86": "0", "arm": "5", "ia64": "6", "amd64": "9", "arm64": "12"}

// languages are the tags of the language identifiers that Windows is made in, by their hexadecimal digits ([MS-LCID]).
var languages = map[string]string{"0401": "ar-SA", "0402": "bg-BG", "0404": "zh-TW", "0405": "cs-CZ", "0406": "da-DK", "0407": "de-DE", "0408": "el-GR",
	"0409": "en-US", "0809": "en-GB", "0c0a": "es-ES", "080a": "es-MX", "0425": "et-EE", "040b": "fi-FI", "040c": "fr-FR", "0c0c": "fr-CA", "040d": "he-IL",
	"041a": "hr-HR", "040e": "hu-HU", "0410": "it-IT", "0411": "ja-JP", "0412": "ko-KR", "0427": "lt-LT", "0426": "lv-LV", "0414": "nb-NO", "0413": "nl-NL",
	"0415": "pl-PL", "0416": "pt-BR", "0816": "pt-PT", "0418": "ro-RO", "0419": "ru-RU", "041b": "sk-SK", "0424": "sl-SI", "241a": "sr-Latn-RS", "081a": "sr-Latn-RS",
	"041d": "sv-SE", "041e": "th-TH", "041f": "tr-TR", "0422": "uk-UA", "042a": "vi-VN", "0804": "zh-CN", "0c04": "zh-HK"}
