package main

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// writeDebsecan writes the same flaws as debsecan downloads them: names, then which binary package is vulnerable below which version,
// then which binary packages a source package has. It gives the address for --source; the release is called "bench".
func writeDebsecan(dir string, flaws []flaw) (source string, err error) {
	var b bytes.Buffer
	b.WriteString("VERSION 1\n")
	for i := range flaws {
		fmt.Fprintf(&b, "%s,,input that somebody else may choose is mishandled\n", flaws[i].cve)
	}
	b.WriteString("\n")
	packages := map[string]bool{}
	for i := range flaws {
		packages[flaws[i].pkg] = true
		fmt.Fprintf(&b, "%s,%d,BMRF,%s,\n", flaws[i].pkg, i, flaws[i].fixed)
	}
	b.WriteString("\n")
	names := make([]string, 0, len(packages))
	for name := range packages {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s,%s\n", name, name)
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(b.Bytes()); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return "file://" + dir, os.WriteFile(filepath.Join(dir, "bench"), packed.Bytes(), 0o644)
}

func debsecanArgv(source string) []string {
	return []string{"debsecan", "--config", "/dev/null", "--source", source, "--suite", "bench", "--format", "bugs"}
}
