package probe_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/feed/oval"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/probe"
)

// question is one object of a document. skip names fields of OpenSCAP's items that are not compared.
type question struct{ schema, class, object string }

func document(questions []question) string {
	var defs, tests, objects strings.Builder
	for i, q := range questions {
		ns := `xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5#` + q.schema + `"`
		fmt.Fprintf(&defs, `<definition id="oval:x:def:%d" version="1" class="miscellaneous"><metadata><title>t</title><description>d</description></metadata>`+
			`<criteria><criterion test_ref="oval:x:tst:%d"/></criteria></definition>`, i+1, i+1)
		fmt.Fprintf(&tests, `<%s_test %s id="oval:x:tst:%d" version="1" comment="c" check="all"><object object_ref="oval:x:obj:%d"/></%s_test>`, q.class, ns, i+1, i+1, q.class)
		fmt.Fprintf(&objects, `<%s_object %s id="oval:x:obj:%d" version="1">%s</%s_object>`, q.class, ns, i+1, q.object, q.class)
	}
	return `<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5" xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5" ` +
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><generator><oval:schema_version>5.11</oval:schema_version><oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>` +
		`<definitions>` + defs.String() + `</definitions><tests>` + tests.String() + `</tests><objects>` + objects.String() + `</objects></oval_definitions>`
}

type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

func (n *node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n *node) find(name string, each func(*node)) {
	for i := range n.Nodes {
		if n.Nodes[i].XMLName.Local == name {
			each(&n.Nodes[i])
		}
		n.Nodes[i].find(name, each)
	}
}

// oscap gives what OpenSCAP collects for each question: the flag, then the items in some order.
func oscap(t *testing.T, questions []question) [][]string {
	t.Helper()
	program, err := exec.LookPath("oscap")
	if err != nil {
		t.Skip("OpenSCAP is not installed: scripts/needs test installs it")
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/d.xml", []byte(document(questions)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "oval", "eval", "--skip-valid", "--results", dir+"/r.xml", dir+"/d.xml").CombinedOutput()
	b, readErr := os.ReadFile(dir + "/r.xml")
	if readErr != nil { // it crashes on some questions: the others are still judged
		if len(questions) == 1 {
			t.Logf("OpenSCAP does not survive %v: %v\n%s", questions[0], err, out)
			return make([][]string, 1)
		}
		half := len(questions) / 2
		return append(oscap(t, questions[:half]), oscap(t, questions[half:])...)
	}
	var root node
	if err := xml.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	items := map[string]*node{}
	root.find("system_data", func(n *node) {
		for i := range n.Nodes {
			items[n.Nodes[i].attr("id")] = &n.Nodes[i]
		}
	})
	all := make([][]string, len(questions))
	root.find("collected_objects", func(n *node) {
		n.find("object", func(o *node) {
			var i int
			fmt.Sscanf(o.attr("id"), "oval:x:obj:%d", &i)
			var list []string
			o.find("reference", func(r *node) {
				it := items[r.attr("item_ref")]
				var fields []string
				for _, f := range it.Nodes {
					nilled := f.attr("nil") == "true" || f.XMLName.Local == "message"
					if value := f.Text; !nilled && compared(f.XMLName.Local) && f.attr("status") == "" {
						fields = append(fields, f.XMLName.Local+"="+value)
					}
				}
				list = append(list, strings.TrimSuffix(it.attr("status"), "exists")+strings.Join(fields, "|"))
			})
			slices.Sort(list)
			all[i-1] = append([]string{o.attr("flag")}, slices.Compact(list)...)
		})
	})
	return all
}

// compared leaves out what changes from one look to the next, and OpenSCAP's "line", which is not the line but the pattern.
func compared(field string) bool {
	return !slices.Contains([]string{"a_time", "c_time", "m_time", "line", "exec_time", "start_time", "space_used", "space_left", "last_login"}, field)
}

// everything asks for every field and remembers the answer.
type everything struct {
	source item.Source
	answer patch.Collected
}

func (e *everything) Probe(ctx context.Context, r item.Request) patch.Collected {
	r.Fields = []string{item.Every}
	e.answer = e.source.Probe(ctx, r)
	return e.answer
}

// ours gives the same of a probe.
func ours(t *testing.T, m *probe.Machine, q question) []string {
	t.Helper()
	d, err := oval.Read(strings.NewReader(document([]question{q})), oval.Options{})
	if err != nil {
		t.Fatal(err)
	}
	src := &everything{source: m}
	answers, err := d.Evaluate(t.Context(), nil, src)
	if err != nil {
		t.Fatal(err)
	}
	for a := range answers {
		_ = a
	}
	var list []string
	for _, it := range src.answer.Items {
		var fields []string
		for _, f := range it.Fields {
			if compared(f.Name) && f.Status == "" {
				fields = append(fields, f.Name+"="+f.Value)
			}
		}
		list = append(list, string(it.Status)+strings.Join(fields, "|"))
	}
	slices.Sort(list)
	return append([]string{string(src.answer.Flag)}, slices.Compact(list)...)
}

// TestAgainstOpenSCAP asks both about the same files, in every way that objects can.
func TestAgainstOpenSCAP(t *testing.T) {
	root := makeFiles(t)
	questions := fileQuestions(root)
	want := oscap(t, questions)
	m, err := probe.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	crashed := 0
	for i, q := range questions {
		if want[i] == nil {
			crashed++
			continue
		}
		if diff := cmp.Diff(want[i], ours(t, m, q)); diff != "" {
			t.Errorf("%s %s\n%s", q.class, q.object, diff)
		}
	}
	if crashed > len(questions)/10 {
		t.Errorf("OpenSCAP crashed on %d of %d questions", crashed, len(questions))
	}
}

// makeFiles lays out directories with links of every kind.
func makeFiles(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a/f1": "k=1 v\nkk=22\nx=3\n", "a/b/f1": "k=5\n", "a/b/f2": "", "a/b/c/f1": "kk", "a/b/c/d/f1": "last\nk=9", "a/B.conf": "1",
		"x.xml": `<?xml version="1.0"?><a><b i="1">t1<c>in</c></b><b i="2">t2</b><e/></a>`, "y.xml": `<a xmlns="urn:q"><b i="3"/></a>`, "bad.xml": "<a>"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"a/up": "..", "a/b/ln": "c", "a/lf": "f1", "a/dang": "nope", "la": "a", "a/self": "self"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(root+"/a/b/f2", 0o4751|os.ModeSetuid|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return root
}

func fileQuestions(root string) []question {
	const none = `<filename xsi:nil="true"/>`
	var all []question
	file := func(objects ...string) {
		for _, o := range objects {
			all = append(all, question{"unix", "file", strings.ReplaceAll(o, "ROOT", root)})
		}
	}
	file(`<path>ROOT/a</path><filename>f1</filename>`, `<path>ROOT/a/</path><filename>f1</filename>`, `<path>ROOT/la</path><filename>f1</filename>`,
		`<path>ROOT/a</path><filename>nope</filename>`, `<path>ROOT/nope</path><filename>f1</filename>`, `<path>ROOT/a</path><filename>b</filename>`,
		`<path>ROOT/a</path><filename>up</filename>`, `<path>ROOT/a</path><filename>dang</filename>`, `<path>ROOT/a/f1</path><filename>f1</filename>`,
		`<path>ROOT/la</path>`+none, `<path>ROOT/a</path>`+none, `<path>ROOT/nope</path>`+none, `<path>ROOT/a/f1</path>`+none,
		`<path>ROOT/la</path><filename operation="pattern match">.</filename>`, `<path>ROOT/a</path><filename operation="not equal">f1</filename>`,
		`<path>ROOT/a</path><filename operation="case insensitive equals">b.CONF</filename>`,
		`<path operation="pattern match">^ROOT/(a|la)$</path><filename>f1</filename>`, `<path operation="pattern match">^ROOT/a/.*$</path><filename>f1</filename>`,
		`<path operation="pattern match">^ROOT/[^/]+/b</path>`+none, `<path operation="pattern match">^ROOT/a/[a-z]$</path><filename operation="pattern match">^f\d$</filename>`,
		`<path operation="pattern match">^ROOT/a/b(/.*)?$</path>`+none, `<path operation="pattern match">ROOT/a$</path>`+none,
		`<filepath>ROOT/a/f1</filepath>`, `<filepath>ROOT/a/b</filepath>`, `<filepath>ROOT/a/up</filepath>`, `<filepath>ROOT/a/lf</filepath>`, `<filepath>ROOT/a/dang</filepath>`,
		`<filepath>ROOT/a/self</filepath>`, `<filepath>ROOT/la/b/ln/f1</filepath>`, `<filepath>ROOT/a/nope</filepath>`, `<filepath>ROOT/a/f1/x</filepath>`,
		`<filepath operation="pattern match">^ROOT/a/.*f1$</filepath>`, `<filepath operation="pattern match">^ROOT/.*dang$</filepath>`,
		`<filepath operation="pattern match">^ROOT/(a/b/f[12]|x\.xml)$</filepath>`, `<filepath operation="pattern match">^ROOT/a/(?!b)[a-z]+1$</filepath>`)
	for _, recurse := range []string{"symlinks and directories", "directories", "symlinks"} {
		for _, depth := range []string{"-1", "0", "1", "2"} {
			for _, direction := range []string{"down", "up", "none"} {
				b := `<behaviors recurse_direction="` + direction + `" max_depth="` + depth + `" recurse="` + recurse + `"/>`
				dir := `<path>ROOT/a/b</path>`
				if direction == "down" {
					dir = `<path>ROOT/a</path>`
				}
				if direction == "up" && depth == "-1" {
					continue // up to the root of the machine, whose files change
				}
				file(b+dir+`<filename>f1</filename>`, b+dir+none, b+dir+`<filename operation="pattern match">^[a-z]+$</filename>`,
					b+`<path operation="pattern match">^ROOT/a(/b)?$</path><filename>f1</filename>`)
			}
		}
	}
	for _, o := range []string{`<filepath>ROOT/a/f1</filepath><hash_type>SHA-256</hash_type>`, `<filepath>ROOT/a/lf</filepath><hash_type operation="pattern match">.*</hash_type>`,
		`<path>ROOT/a</path><filename operation="pattern match">^(f1|up)</filename><hash_type>MD5</hash_type>`, `<filepath>ROOT/a/f1</filepath><hash_type>SHA-999</hash_type>`} {
		all = append(all, question{"independent", "filehash58", strings.ReplaceAll(o, "ROOT", root)})
	}
	all = append(all, question{"independent", "filehash", `<filepath>` + root + `/a/f1</filepath>`}, question{"independent", "family", ""},
		question{"windows", "registry", "<hive>HKEY_LOCAL_MACHINE</hive><key>x</key><name>y</name>"}, question{"unix", "inetd", "<protocol>tcp</protocol><service_name>x</service_name>"})
	for _, path := range []string{"/a/b", "/a/b/text()", "/a/b/@i", "count(/a/b)", "string(/a/b[2])", "/a/b = &quot;t2&quot;", "/a/zz", "/a/e", "/a/b[@i=2]/text()", "//c/text()",
		"//b[c]/@i", "/a/*[1]/text()", "not(/a/zz)", "//@i", "sum(//@i)", "/a/b[last()]/@i", "normalize-space(/a/b[1])"} {
		all = append(all, question{"independent", "xmlfilecontent", `<path>` + root + `</path><filename operation="pattern match">^x\.xml$</filename><xpath>` + path + `</xpath>`},
			question{"independent", "xmlfilecontent", `<filepath>` + root + `/x.xml</filepath><xpath>` + path + `</xpath>`})
	}
	for _, o := range textObjects() {
		all = append(all, question{"independent", "textfilecontent54", strings.ReplaceAll(o, "ROOT", root)})
	}
	return all
}

func textObjects() []string {
	const f = `<path>ROOT/a</path><filename>f1</filename>`
	return []string{
		f + `<pattern operation="pattern match">(x)?k=(\d)( v)?</pattern><instance datatype="int" operation="greater than or equal">1</instance>`,
		f + `<pattern operation="pattern match">^(k+)=(\d+)</pattern><instance datatype="int">2</instance>`,
		f + `<pattern operation="pattern match">^(k+)=(\d+)$</pattern><instance datatype="int" operation="less than">9</instance>`,
		f + `<pattern operation="pattern match">nonesuch</pattern><instance datatype="int">1</instance>`,
		f + `<pattern operation="pattern match">=\d</pattern><instance datatype="int" operation="not equal">2</instance>`,
		f + `<pattern operation="pattern match">^x=3$</pattern><instance datatype="int">1</instance>`,
		`<behaviors multiline="false"/>` + f + `<pattern operation="pattern match">^kk</pattern><instance datatype="int">1</instance>`,
		`<behaviors ignore_case="true" singleline="true"/>` + f + `<pattern operation="pattern match">^K=.*KK</pattern><instance datatype="int">1</instance>`,
		`<behaviors ignore_case="true" singleline="false"/>` + f + `<pattern operation="pattern match">^K=.*KK</pattern><instance datatype="int">1</instance>`,
		`<path>ROOT/a</path><filename operation="pattern match">^(up|lf|f1)$</filename><pattern operation="pattern match">k=(\d)</pattern><instance datatype="int">1</instance>`,
		`<behaviors recurse_direction="down"/><path>ROOT/a</path><filename>f1</filename><pattern operation="pattern match">k=(\d)</pattern><instance datatype="int">1</instance>`,
		`<filepath>ROOT/a/b/f2</filepath><pattern operation="pattern match">.*</pattern><instance datatype="int">1</instance>`,
		`<filepath operation="pattern match">^ROOT/a/.*/f1$</filepath><pattern operation="pattern match">(?=k)(.)=</pattern><instance datatype="int">1</instance>`,
	}
}
