package e2e

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// judge gives the machine's verdicts on rules that say when something is installed, by their titles.
func (w *windows) judge(rules map[string]string) (map[string]string, string) {
	w.t.Helper()
	fettle, _ := programs(w.t)
	var packages strings.Builder
	for _, title := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(&packages, `<p:SoftwareDistributionPackage><p:Properties PackageID="%x"/><p:LocalizedProperties><p:Language>en</p:Language><p:Title>%s</p:Title></p:LocalizedProperties><p:InstallableItem><p:ApplicabilityRules><p:IsInstalled>%s</p:IsInstalled><p:IsInstallable><b:WindowsVersion MajorVersion="6"/></p:IsInstallable></p:ApplicabilityRules></p:InstallableItem></p:SoftwareDistributionPackage>`, title, title, rules[title])
	}
	dir := w.t.TempDir()
	file, bundle := filepath.Join(dir, "packages.xml"), filepath.Join(dir, "bundle")
	if err := os.WriteFile(file, []byte("<c>"+packages.String()+"</c>"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if out, err := exec.Command(fettle, "catalog", "build", "-o", bundle, "--sdp", file).CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	w.copy(bundle, `C:\Fettle\bundle`)
	_, got, text := w.detect(`C:\Fettle\bundle`)
	return got, text
}

// Files of one folder that many definitions ask about are found by every name that Windows finds them by, and by no other.
func TestFilesOfOneFolderOnWindows(t *testing.T) {
	w := newWindows(t)
	w.copy("testdata/kettle/kettle.c", `C:\Vendor\Engine.dll`)
	want := map[string]string{"Engine.dll": "patched", "ENGINE.DLL": "patched", "engine.dll.": "patched", "engine.dl": "not-patched", `..\Vendor\engine.dll`: "patched"}
	for i := range 12 {
		want[fmt.Sprintf("absent%d.dll", i)] = "not-patched"
	}
	rules := map[string]string{}
	for name := range want {
		rules[name] = `<b:FileExists Path="C:\Vendor\` + name + `"/>`
	}
	got, text := w.judge(rules)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
}

// The versions of all the files that came with Windows are read as Windows itself reads them.
func TestVersionsOfFilesOnWindows(t *testing.T) {
	w := newWindows(t)
	program := filepath.Join(t.TempDir(), "pe.test.exe")
	build := exec.Command("go", "test", "-c", "-o", program, "../internal/pe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w.copy(program, `C:\pe.test.exe`)
	says(t, string(w.run(`C:\pe.test.exe`, "-test.v", "-test.run", "TestVersionsAsWindowsSaysThem")), "PASS: TestVersionsAsWindowsSaysThem")
}

// What Windows Installer says of a product that a real MSI installed: its features and components, and what it would be upgraded by.
func TestPartsOfAnMSIOnWindows(t *testing.T) {
	w := newWindows(t)
	w.copy(kettle(t, "1.0.0"), `C:\kettle.msi`)
	w.run("msiexec", "/qn", "/i", `C:\kettle.msi`)
	product := w.product()
	part := func(kind, name, product string) string {
		return fmt.Sprintf("<m:Msi%[1]sInstalledForProduct><m:%[1]s>%[2]s</m:%[1]s><m:Product>%[3]s</m:Product></m:Msi%[1]sInstalledForProduct>", kind, name, product)
	}
	got, text := w.judge(map[string]string{
		"its feature":                    part("Feature", "Main", product),
		"no feature of it":               part("Feature", "Help", product),
		"its component":                  part("Component", "{2F7D9A50-8C43-4F43-9D39-3A1B6F2F2C10}", product),
		"no component of it":             part("Component", "{2F7D9A50-8C43-4F43-9D39-3A1B6F2F2C11}", product),
		"a feature of what is not there": part("Feature", "Main", "{11111111-1111-1111-1111-111111111111}"),
		"the product":                    fmt.Sprintf(`<m:MsiProductInstalled ProductCode="%s" VersionMin="1.0" VersionMax="1.9"/>`, product),
		"its program in English":         `<b:FileExists Path="C:\Program Files\Kettle\kettle.exe" Language="1033"/>`,
		"its program in German":          `<b:FileExists Path="C:\Program Files\Kettle\kettle.exe" Language="1031"/>`,
	})
	want := map[string]string{"its feature": "patched", "no feature of it": "not-patched", "its component": "patched", "no component of it": "not-patched",
		"a feature of what is not there": "not-patched", "the product": "patched", "its program in English": "patched", "its program in German": "not-patched"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
	facts := string(w.run(windowsAgent, "facts", "--catalog", `C:\Fettle\bundle`))
	says(t, facts, `"upgrade_code"`, "{6A1F3A52-5B3F-4B8E-9F5A-0C6F0F0D2B11}")
}
