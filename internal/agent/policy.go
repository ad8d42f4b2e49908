package agent

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Policies that the owner of a machine can put, one word a line, into the policy file. They bind every appliance.
const (
	PolicyDetectOnly = "detect-only"
	PolicyNoDeploy   = "no-deploy"
	PolicyNoReboot   = "no-reboot"
	PolicyNoTakeover = "no-takeover" // other patch services on this machine are left alone
	PolicyNotWhile   = "not-while"   // with a program, and packages: they are not installed while it runs
)

// Policy is the owner's local policy. The zero value allows what orders allow.
type Policy struct {
	Words    []string
	Blockers []Blocker
}

// Deploys says whether orders may install anything, and the word that forbids it.
func (p Policy) Deploys() (bool, string) {
	for _, w := range p.Words {
		if w != PolicyNoReboot && w != PolicyNoTakeover {
			return false, w
		}
	}
	return true, ""
}

// TakesOver says whether other patch services may be turned off, and the word that forbids it. Where Fettle may not deploy it must not take
// away who does.
func (p Policy) TakesOver() (bool, string) {
	for _, w := range p.Words {
		if w != PolicyNoReboot {
			return false, w
		}
	}
	return true, ""
}

// String joins the words, as check-ins carry them.
func (p Policy) String() string {
	words := slices.Clone(p.Words)
	for _, b := range p.Blockers {
		words = append(words, strings.Join(append([]string{PolicyNotWhile, b.Program}, b.Packages...), " "))
	}
	return strings.Join(words, ",")
}

// unknownWord says where a line is that is none, and what it says. Commas part words.
func unknownWord(path string, line int, word string) string {
	said := []rune(strings.ToValidUTF8(word, "?"))
	return strings.ReplaceAll(fmt.Sprintf("unknown in %s line %d: %q", path, line, string(said[:min(len(said), 40)])), ",", "")
}

func (c Config) policy() Policy { return readPolicy(c.layout().on(), c.PolicyFile) }

// readPolicy reads the owner's file. A file that cannot be read, or a word that is not known, forbids deploys: the owner meant something.
func readPolicy(d Disk, path string) Policy {
	f, err := d.Open(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return Policy{}
	}
	if err != nil {
		return Policy{Words: []string{"unreadable"}}
	}
	defer f.Close()
	var p Policy
	in := bufio.NewScanner(f)
	for line := 1; in.Scan(); line++ {
		word, _, _ := strings.Cut(in.Text(), "#")
		word = strings.TrimSpace(word)
		if rest, ok := strings.CutPrefix(word, PolicyNotWhile+" "); ok {
			if b, ok := readBlocker(rest); ok {
				p.Blockers = append(p.Blockers, b)
				continue
			}
		}
		switch word {
		case "":
		case PolicyDetectOnly, PolicyNoDeploy, PolicyNoReboot, PolicyNoTakeover:
			p.Words = append(p.Words, word)
		default:
			p.Words = append(p.Words, unknownWord(path, line, word))
		}
	}
	if in.Err() != nil {
		p.Words = append(p.Words, "unreadable")
	}
	return p
}
