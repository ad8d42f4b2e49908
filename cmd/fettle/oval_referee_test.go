package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	ovalSeed      = flag.Uint64("ovalseed", 1, "where random OVAL documents begin")
	ovalDocuments = flag.Int("ovaldocuments", 6, "how many random OVAL documents OpenSCAP judges too")
	oscapLine     = regexp.MustCompile(`(?m)^Definition ([^ ]+): (.*)$`)
)

// The whole command agrees with OpenSCAP over this machine: random documents about files, their lines, sets of them and packages.
func TestOVALEvalAgainstOpenSCAP(t *testing.T) {
	oscap, err := exec.LookPath("oscap")
	if err != nil {
		t.Skip("SKIPPED: OpenSCAP is not installed, so nothing referees oval eval: scripts/needs test installs it")
	}
	packages, err := exec.Command("dpkg-query", "-W", "-f", "${Package}\t${Version}\n").Output()
	if err != nil {
		t.Skip("SKIPPED: this machine has no dpkg")
	}
	w := ovalWorld{Rand: rand.New(rand.NewPCG(*ovalSeed, 5)), dir: t.TempDir(), packages: strings.Split(strings.TrimSpace(string(packages)), "\n")}
	w.files(t)
	values := map[string]int{}
	for range *ovalDocuments {
		path := filepath.Join(w.dir, "definitions.xml")
		text := w.document(60)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(oscap, "oval", "eval", "--skip-valid", path).CombinedOutput()
		if err != nil {
			t.Fatalf("oscap: %v\n%s\n%s", err, out, text)
		}
		var want []string
		for _, m := range oscapLine.FindAllStringSubmatch(string(out), -1) {
			want = append(want, m[1]+"\t"+m[2])
			values[m[2]]++
		}
		var answer bytes.Buffer
		s := &screen{in: strings.NewReader(""), out: &answer, err: os.Stderr, env: os.Getenv}
		if code := run(t.Context(), s, []string{"oval", "eval", path}); code != exitOK {
			t.Fatalf("exit %d", code)
		}
		got := strings.Split(strings.TrimSpace(answer.String()), "\n")
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			for _, line := range want {
				if !slices.Contains(got, line) {
					t.Errorf("OpenSCAP says %s", line)
				}
			}
			t.Fatal(text)
		}
	}
	if values["true"] < *ovalDocuments*2 || values["false"] < *ovalDocuments*2 {
		t.Errorf("the random definitions are %v", values)
	}
}

// ovalWorld makes documents about some files and this machine's packages.
type ovalWorld struct {
	*rand.Rand
	dir      string
	packages []string
}

func (w *ovalWorld) one(of ...string) string { return of[w.IntN(len(of))] }

func (w *ovalWorld) files(t *testing.T) {
	for i := range 6 {
		var lines strings.Builder
		for range w.IntN(6) {
			fmt.Fprintf(&lines, "%s = %s\n", w.one("port", "user", "Port", "# port"), w.one("22", "80", "root", "", "8080"))
		}
		if err := os.WriteFile(filepath.Join(w.dir, fmt.Sprintf("f%d.conf", i)), []byte(lines.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *ovalWorld) document(definitions int) string {
	var defs, tests, objects, states strings.Builder
	const objectCount = 10
	for i := range 6 {
		fmt.Fprintf(&objects, "<ind:textfilecontent54_object id=\"oval:x:obj:%d\" version=\"1\">%s</ind:textfilecontent54_object>\n", i, w.lines())
	}
	for i := 6; i < 8; i++ { // sets of what stands before
		fmt.Fprintf(&objects, `<ind:textfilecontent54_object id="oval:x:obj:%d" version="1"><set set_operator="%s" xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5"><object_reference>oval:x:obj:%d</object_reference><object_reference>oval:x:obj:%d</object_reference></set></ind:textfilecontent54_object>`+"\n",
			i, w.one("UNION", "INTERSECTION", "COMPLEMENT"), w.IntN(6), w.IntN(6))
	}
	for i := 8; i < objectCount; i++ {
		name, _ := w.pkg()
		fmt.Fprintf(&objects, "<lin:dpkginfo_object id=\"oval:x:obj:%d\" version=\"1\"><lin:name>%s</lin:name></lin:dpkginfo_object>\n", i, name)
	}
	for n := range definitions {
		fmt.Fprintf(&defs, `<definition class="miscellaneous" id="oval:x:def:%d" version="1"><metadata><title>t</title><description/></metadata><criteria operator="%s">`, n+1, w.one("AND", "OR", "ONE", "XOR"))
		for k := range 1 + w.IntN(2) {
			id := n*2 + k
			object := w.IntN(objectCount)
			kind := "ind:textfilecontent54"
			if object >= 8 {
				kind = "lin:dpkginfo"
			}
			prefix := kind[:3]
			fmt.Fprintf(&defs, `<criterion test_ref="oval:x:tst:%d" negate="%s"/>`, id, w.one("true", "false", "false"))
			fmt.Fprintf(&tests, `<%s_test id="oval:x:tst:%d" version="1" comment="t" check="%s" check_existence="%s"><%s:object object_ref="oval:x:obj:%d"/>`,
				kind, id, w.one("all", "at least one", "only one", "none satisfy"), w.one("at_least_one_exists", "all_exist", "any_exist", "none_exist", "only_one_exists"), prefix, object)
			if w.IntN(3) > 0 {
				fmt.Fprintf(&tests, `<%s:state state_ref="oval:x:ste:%d"/>`, prefix, id)
				fmt.Fprintf(&states, "<%s_state id=\"oval:x:ste:%d\" version=\"1\">%s</%s_state>\n", kind, id, w.wanted(kind), kind)
			}
			fmt.Fprintf(&tests, "</%s_test>\n", kind)
		}
		defs.WriteString("</criteria></definition>\n")
	}
	statesText := ""
	if states.Len() > 0 {
		statesText = "<states>" + states.String() + "</states>"
	}
	return `<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5" xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5" xmlns:ind="http://oval.mitre.org/XMLSchema/oval-definitions-5#independent" xmlns:lin="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux">
<generator><oval:schema_version>5.11</oval:schema_version><oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>
<definitions>` + defs.String() + "</definitions>\n<tests>" + tests.String() + "</tests>\n<objects>" + objects.String() + "</objects>\n" + statesText + "</oval_definitions>"
}

// lines gives what an object about lines asks for. Each pattern has a group: OpenSCAP errs where a state asks for one that is not there.
func (w *ovalWorld) lines() string {
	where := fmt.Sprintf(`<ind:path>%s</ind:path><ind:filename operation="pattern match">^f[0-%d]\.conf$</ind:filename>`, w.dir, w.IntN(6))
	if w.IntN(2) == 0 {
		where = fmt.Sprintf(`<ind:filepath>%s/f%d.conf</ind:filepath>`, w.dir, w.IntN(8))
	}
	return where + `<ind:pattern operation="pattern match">` + w.one(`^port = (\d+)$`, `^\s*(\w+)\s*=\s*(\S*)$`, `^(#).*$`, `(?i)^(port)`) + `</ind:pattern>` +
		fmt.Sprintf(`<ind:instance datatype="int" operation="%s">1</ind:instance>`, w.one("equals", "greater than or equal"))
}

func (w *ovalWorld) wanted(kind string) string {
	if kind == "lin:dpkginfo" {
		_, version := w.pkg()
		if !strings.Contains(version, ":") {
			version = "0:" + version
		}
		return fmt.Sprintf(`<lin:evr datatype="debian_evr_string" operation="%s">%s</lin:evr>`, w.one("less than", "greater than or equal", "equals"), version)
	}
	if w.IntN(2) == 0 {
		return fmt.Sprintf(`<ind:text operation="%s">%s</ind:text>`, w.one("pattern match", "equals", "not equal"), w.one("port = 22", "22", "^user"))
	}
	return fmt.Sprintf(`<ind:subexpression operation="%s" entity_check="%s">%s</ind:subexpression>`, w.one("equals", "not equal", "pattern match"),
		w.one("all", "at least one", "none satisfy"), w.one("22", "80", "port"))
}

// pkg gives an installed package's name and version, or one that is not there.
func (w *ovalWorld) pkg() (name, version string) {
	if w.IntN(4) == 0 {
		return "no-such-package", "1.0-1"
	}
	name, version, _ = strings.Cut(w.packages[w.IntN(len(w.packages))], "\t")
	return name, version
}
