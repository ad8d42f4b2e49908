package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

// benchWindows measures a detect of 5,000 definitions, each about a registry value and a file's version, as a whole process under Wine, beside
// what it costs there to start a program that does nothing.
func benchWindows(ctx context.Context, r *report, dir string) error {
	if missing := lab.HasWine(); missing != "" {
		fmt.Println("SKIPPED: no Windows machine without Debian's package", missing)
		return nil
	}
	const definitions = 5000
	fmt.Println("detect of 5,000 definitions under Wine …")
	w, err := lab.StartWindows(ctx, filepath.Join(dir, "windows"))
	if err != nil {
		return err
	}
	defer w.Stop()
	if err := furnish(ctx, w, dir, definitions); err != nil {
		return err
	}
	start, err := wineCost(ctx, w, "version")
	if err != nil {
		return err
	}
	whole, err := wineCost(ctx, w, "detect", "--catalog", `C:\bench.bundle`)
	if err != nil {
		return err
	}
	r.add("detect of 5,000 Windows definitions", seconds(whole), "start under Wine: "+seconds(start), fmt.Sprintf("%.0f×", float64(whole)/float64(start)), "≤ 1 s", whole <= time.Second)
	return nil
}

// wineCost is the median time of some runs of the machine's agent.
func wineCost(ctx context.Context, w *lab.Windows, args ...string) (time.Duration, error) {
	var all []time.Duration
	for range 5 {
		begun := time.Now()
		if _, err := w.Exec(ctx, agentExe, args...); err != nil {
			return 0, err
		}
		all = append(all, time.Since(begun))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

const agentExe = `C:\fettle-agent.exe`

// furnish gives a machine the agent, definitions, and registry keys for two of three of them; one of five is about a file that Windows has.
func furnish(ctx context.Context, w *lab.Windows, dir string, n int) error {
	agent := filepath.Join(dir, "fettle-agent.exe")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", agent, "./cmd/fettle-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build the agent: %w: %.300s", err, out)
	}
	libraries, err := filepath.Glob(filepath.Join(w.Path(`C:\windows\system32`), "*.dll"))
	if err != nil || len(libraries) == 0 {
		return fmt.Errorf("the machine has no libraries: %v", err)
	}
	var sdp, reg strings.Builder
	sdp.WriteString("<c>")
	reg.WriteString("Windows Registry Editor Version 5.00\r\n\r\n")
	for i := range n {
		file := fmt.Sprintf("vendor%d.dll", i)
		if i%5 == 0 {
			file = filepath.Base(libraries[i%len(libraries)])
		}
		fmt.Fprintf(&sdp, `<p:SoftwareDistributionPackage><p:Properties PackageID="p%05d"/><p:InstallableItem><p:ApplicabilityRules><p:IsInstalled><b:FileVersion Csidl="37" Path="%s" Comparison="GreaterThanOrEqualTo" Version="10.0.%d.1"/></p:IsInstalled><p:IsInstallable><b:RegSz Key="HKEY_LOCAL_MACHINE" Subkey="SOFTWARE\Vendor\App%d" Value="Edition" Comparison="EqualTo" Data="Pro"/></p:IsInstallable></p:ApplicabilityRules></p:InstallableItem></p:SoftwareDistributionPackage>`+"\n",
			i, file, i%3000, i)
		if i%3 > 0 {
			fmt.Fprintf(&reg, "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor\\App%d]\r\n\"Edition\"=\"Pro\"\r\n\r\n", i)
		}
	}
	sdp.WriteString("</c>")
	packages, bundle, keys := filepath.Join(dir, "packages.xml"), filepath.Join(dir, "bench.bundle"), filepath.Join(dir, "bench.reg")
	for name, text := range map[string]string{packages: sdp.String(), keys: reg.String()} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if _, _, err := once(ctx, "bin/fettle", "catalog", "build", "-o", bundle, "--sdp", packages); err != nil {
		return err
	}
	for from, to := range map[string]string{agent: agentExe, bundle: `C:\bench.bundle`, keys: `C:\bench.reg`} {
		if err := w.Copy(from, to); err != nil {
			return err
		}
	}
	_, err = w.Exec(ctx, "reg", "import", `C:\bench.reg`)
	return err
}
