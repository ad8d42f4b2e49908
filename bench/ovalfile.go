package main

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"strings"
)

// ovalFile writes flaws as an OVAL document of the shape that Debian publishes: a definition a flaw, whose criteria ask for the release
// and then for the package; equal tests, objects and states once.
type ovalFile struct {
	definitions, tests, objects, states strings.Builder
	ids                                 map[string]string
	next                                map[string]int
}

const ovalSpace = "http://oval.mitre.org/XMLSchema/oval-definitions-5"

func writeOVAL(file string, flaws []flaw) error {
	o := &ovalFile{ids: map[string]string{}, next: map[string]int{}}
	release := o.test("release", "textfilecontent54", "independent", "The release is Debian 12",
		o.object("release", "textfilecontent54", "independent", `<path>/etc</path><filename>os-release</filename><pattern operation="pattern match">^VERSION_ID="(\d+)"</pattern><instance datatype="int">1</instance>`),
		o.state("release", "textfilecontent54", "independent", `<subexpression operation="pattern match">^\d+$</subexpression>`))
	for i := range flaws {
		o.define(&flaws[i], release)
	}
	return o.write(file)
}

// id names a thing once; fresh tells whether it still has to be written.
func (o *ovalFile) id(kind, key string) (id string, fresh bool) {
	if id, ok := o.ids[kind+" "+key]; ok {
		return id, false
	}
	o.next[kind]++
	id = fmt.Sprintf("oval:org.debian.oval:%s:%d", kind, o.next[kind])
	o.ids[kind+" "+key] = id
	return id, true
}

func (o *ovalFile) object(key, class, family, inner string) string {
	id, fresh := o.id("obj", key)
	if fresh {
		fmt.Fprintf(&o.objects, "<%s_object xmlns=%q id=%q version=\"1\">%s</%[1]s_object>\n", class, ovalSpace+"#"+family, id, inner)
	}
	return id
}

func (o *ovalFile) state(key, class, family, inner string) string {
	id, fresh := o.id("ste", key)
	if fresh {
		fmt.Fprintf(&o.states, "<%s_state xmlns=%q id=%q version=\"1\">%s</%[1]s_state>\n", class, ovalSpace+"#"+family, id, inner)
	}
	return id
}

func (o *ovalFile) test(key, class, family, comment, object, state string) string {
	id, fresh := o.id("tst", key)
	if fresh {
		fmt.Fprintf(&o.tests, "<%s_test xmlns=%q id=%q version=\"1\" check=\"all\" check_existence=\"at_least_one_exists\" comment=%q>"+
			"<object object_ref=%q/><state state_ref=%q/></%[1]s_test>\n", class, ovalSpace+"#"+family, id, comment, object, state)
	}
	return id
}

func (o *ovalFile) define(f *flaw, release string) {
	evr := f.fixed
	if !strings.Contains(evr, ":") {
		evr = "0:" + evr
	}
	pkg := o.test("p "+f.pkg+" "+evr, "dpkginfo", "linux", f.pkg+" is earlier than "+evr,
		o.object("p "+f.pkg, "dpkginfo", "linux", "<name>"+f.pkg+"</name>"),
		o.state("v "+evr, "dpkginfo", "linux", `<evr datatype="debian_evr_string" operation="less than">`+evr+"</evr>"))
	file := ""
	if f.file != "" {
		dir, base := path.Split(f.file)
		size := fmt.Sprint(f.smaller)
		t := o.test("f "+f.file+" "+size, "file", "unix", "the file is smaller than "+size,
			o.object("f "+f.file, "file", "unix", "<path>"+escape(strings.TrimSuffix(dir, "/"))+"</path><filename>"+escape(base)+"</filename>"),
			o.state("s "+size, "file", "unix", `<size datatype="int" operation="less than">`+size+"</size>"))
		file = fmt.Sprintf("<criterion test_ref=%q comment=\"the file is smaller than %s\"/>", t, size)
	}
	fmt.Fprintf(&o.definitions, `<definition class="vulnerability" id="oval:org.debian:def:%[1]d" version="1"><metadata><title>%[2]s %[3]s</title>`+
		`<affected family="unix"><platform>Debian GNU/Linux 12</platform><product>%[3]s</product></affected>`+
		`<reference ref_id="%[2]s" ref_url="https://security-tracker.debian.org/tracker/%[2]s" source="CVE"/>`+
		`<description>%[3]s before %[4]s mishandles input that somebody else may choose. Whoever can send it may stop the program, read its memory or run code as its user; which of these depends on the configuration.</description>`+
		`</metadata><criteria operator="AND" comment="Release"><criterion test_ref=%[5]q comment="The release is Debian 12"/>`+
		`<criteria operator="OR" comment="Architectures"><criteria operator="AND" comment="Any architecture"><criterion test_ref=%[6]q comment="%[3]s is earlier than %[4]s"/>%[7]s</criteria></criteria></criteria></definition>`+"\n",
		f.number, f.cve, f.pkg, evr, release, pkg, file)
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func (o *ovalFile) write(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<oval_definitions xmlns=%q xmlns:oval=\"http://oval.mitre.org/XMLSchema/oval-common-5\">\n"+
		"<generator><oval:product_name>fettle bench</oval:product_name><oval:schema_version>5.11.2</oval:schema_version>"+
		"<oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>\n", ovalSpace)
	for _, part := range []struct {
		name string
		text *strings.Builder
	}{{"definitions", &o.definitions}, {"tests", &o.tests}, {"objects", &o.objects}, {"states", &o.states}} {
		fmt.Fprintf(w, "<%s>\n%s</%[1]s>\n", part.name, part.text.String())
	}
	fmt.Fprintln(w, "</oval_definitions>")
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
