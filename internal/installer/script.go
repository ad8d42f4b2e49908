package installer

import (
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/pem"
	"regexp"
	"strings"
	"text/template"

	"github.com/fettle-project/fettle/internal/patch"
)

//go:embed install.sh
var shellScript string

//go:embed install.ps1
var powerShellScript string

// Script names a script.
type Script string

const (
	Shell      Script = "install.sh"  // Linux and macOS
	PowerShell Script = "install.ps1" // Windows
)

// Installer writes the scripts of one appliance.
type Installer struct {
	Shelf  *Shelf
	Server string            // the agent listener as machines reach it: "https://patches.example.org:8461"
	CA     *x509.Certificate // the agent listener's
}

// Text gives a script. It is the same for everybody and holds no secret: the token comes to it on standard input.
func (i *Installer) Text(s Script) (string, error) {
	source := shellScript
	if s == PowerShell {
		source = powerShellScript
	}
	if !regexp.MustCompile(`^https://[A-Za-z0-9.\-:\[\]]+$`).MatchString(i.Server) {
		return "", patch.Errorf(patch.Internal, "the address %q cannot be written into a script", i.Server)
	}
	agents, err := i.Shelf.List()
	if err != nil {
		return "", err
	}
	t, err := template.New(string(s)).Parse(source)
	if err != nil {
		return "", patch.Errorf(patch.Internal, "cannot read the template of %s: %w", s, err)
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"Server": i.Server, "Agents": agents, "CA": strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.CA.Raw}))),
	})
	if err != nil {
		return "", patch.Errorf(patch.Internal, "cannot write %s: %w", s, err)
	}
	return b.String(), nil
}

// OneLiner is what a person pastes on a machine. The script comes over a connection that proves nothing yet, so it runs only if its hash is
// the one in this line; the token is given to it on standard input, where no list of processes shows it.
func (i *Installer) OneLiner(s Script, token string) (string, error) {
	text, err := i.Text(s)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	hash, url := hex.EncodeToString(sum[:]), i.Server+"/"+string(s)
	if s == PowerShell {
		return "curl.exe -fsSk " + url + " -o fettle-install.ps1; if ((Get-FileHash fettle-install.ps1).Hash -eq '" + hash +
			"') { '" + token + "' | powershell -ExecutionPolicy Bypass -File fettle-install.ps1 } else { 'This is not the appliance that you expect: nothing was run.' }", nil
	}
	return "curl -fsSk " + url + " -o fettle-install.sh && echo '" + hash + "  fettle-install.sh' | $(command -v sha256sum || echo shasum -a 256) -c - && echo '" +
		token + "' | sudo sh fettle-install.sh", nil
}

// Lines are the one-liners for a token, by the systems that the appliance has an agent for.
type Lines struct {
	Linux   string `json:"linux,omitempty"`
	Windows string `json:"windows,omitempty"`
	MacOS   string `json:"macos,omitempty"`
	// MSI is for who distributes programs as Windows packages. Its token is an argument: whoever sees processes on the machine can read it.
	MSI string `json:"msi,omitempty"`
	// Deb and RPM say that the line for Linux installs a package where dpkg or rpm keeps a machine's programs.
	Deb bool `json:"deb,omitempty"`
	RPM bool `json:"rpm,omitempty"`
}

// Lines gives the one-liners that work.
func (i *Installer) Lines(token string) (Lines, error) {
	agents, err := i.Shelf.List()
	if err != nil {
		return Lines{}, err
	}
	var out Lines
	for _, a := range agents {
		to, script := &out.Linux, Shell
		switch {
		case a.Format == MSI:
			if out.MSI == "" {
				out.MSI = i.msiLine(a, token)
			}
			continue
		case a.OS == "windows":
			to, script = &out.Windows, PowerShell
		case a.OS == "darwin":
			to = &out.MacOS
		default:
			out.Deb, out.RPM = out.Deb || a.Format == Deb, out.RPM || a.Format == RPM
		}
		if *to, err = i.OneLiner(script, token); err != nil {
			return Lines{}, err
		}
	}
	return out, nil
}

// msiLine fetches an MSI, proves it by its hash and installs it. msiexec cannot fetch it by itself: it trusts those authorities alone that
// Windows knows, which the appliance's own is not, and it can show no token.
func (i *Installer) msiLine(a Agent, token string) string {
	_, rest, _ := strings.Cut(token, ".")
	secret, _, _ := strings.Cut(rest, ".")
	return "curl.exe -fsSk -H 'Authorization: Bearer " + secret + "' " + i.Server + "/v1/agents/windows/" + a.Arch + "/msi -o fettle-agent.msi; if ((Get-FileHash fettle-agent.msi).Hash -eq '" +
		string(a.Hash) + "') { msiexec /qn /i fettle-agent.msi SERVER=" + i.Server + " TOKEN=" + token + " | Out-Null; \"msiexec: $LASTEXITCODE\" } else { 'This is not the appliance that you expect: nothing was run.' }"
}
