package main

import (
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// told finds the command lines of ours in a line of text: in code, in quotes, or in a sentence of a catalogue.
func told(line string) (out [][]string) {
	var words []string
	ours := false
	for _, w := range strings.Fields(separators.Replace(line) + " ;") {
		if path.Base(w) == "fettle" || w == ";" {
			if ours && len(words) > 0 && commandLike.MatchString(words[0]) {
				out = append(out, words)
			}
			words, ours = nil, w != ";"
		} else if ours {
			words = append(words, w)
		}
	}
	return out
}

var (
	separators  = strings.NewReplacer("`", " ; ", "|", " ; ", "&", " ; ", ">", " ; ", "<", " ; ", "#", " ; ", ";", " ; ", "(", " ", `"fettle`, "; fettle")
	commandLike = regexp.MustCompile(`^[a-z][a-z-]+[.,:)?!"']*$`)
)

// TestEveryCommandThatIsToldExists holds what README, docs, console and errors tell people to type against what this program knows.
func TestEveryCommandThatIsToldExists(t *testing.T) {
	var tree commands
	k, err := newParser(context.Background(), &screen{out: io.Discard, err: io.Discard}, &tree)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join("..", "..")
	files := []string{filepath.Join(root, "README.md"), filepath.Join(root, "internal", "web", "translation", "messages.pot")}
	for _, pattern := range []string{"docs/*.md", "internal/web/templates/*.html", "internal/web/templates/*/*.html"} {
		some, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(some) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, some...)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		whole := strings.NewReplacer("\\\n", " ", `\"`, `"`).Replace(string(text))
		for _, line := range strings.Split(whole, "\n") {
			for _, words := range told(line) {
				n++
				if fault := unknown(k.Model.Node, words); fault != "" {
					t.Errorf("%s: fettle %s: %s", file, strings.Join(words, " "), fault)
				}
			}
		}
	}
	if n < 350 {
		t.Errorf("only %d commands were found", n)
	}
	for line, fault := range map[string]string{
		"Run `bin/fettle machines detecd`":        "", // may be a machine's name: machines has a command by default
		"$ fettle depoly plan --label all":        "there is no command depoly",
		"try: fettle deploy plam --label all":     "there is no command plam in deploy",
		"sudo fettle deploy plan --lable all | x": "there is no flag --lable",
	} {
		found := told(line)
		if len(found) != 1 {
			t.Errorf("%s: %q", line, found)
		} else if got := unknown(k.Model.Node, found[0]); got != fault {
			t.Errorf("%s: %q, not %q", line, got, fault)
		}
	}
}

// unknown says what of a command line does not exist.
func unknown(at *kong.Node, words []string) string {
	deepest := false
	for _, w := range words {
		w = strings.TrimRight(w, ".,:;)!?'\"")
		if strings.HasPrefix(w, "-") {
			if !takes(at, w) {
				return "there is no flag " + w
			}
			deepest = true // what follows may be its value
			continue
		}
		if deepest || w == "" {
			continue
		}
		child := slices.IndexFunc(at.Children, func(c *kong.Node) bool { return c.Name == w || slices.Contains(c.Aliases, w) })
		switch {
		case child >= 0:
			at = at.Children[child]
		case at.Parent == nil:
			return "there is no command " + w
		default:
			if len(at.Children) > 0 && at.DefaultCmd == nil {
				return "there is no command " + w + " in " + at.Name
			}
			deepest = true
		}
	}
	return ""
}

// takes says whether a command, or what it does by default, has a flag.
func takes(at *kong.Node, word string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if name == "" || name == "help" || name == "h" {
		return true
	}
	flags := at.AllFlags(false)
	if at.DefaultCmd != nil {
		flags = append(flags, at.DefaultCmd.AllFlags(false)...)
	}
	for _, group := range flags {
		for _, f := range group {
			if f.Name == name || slices.Contains(f.Aliases, name) || f.Short != 0 && strings.HasPrefix(name, string(f.Short)) && !strings.HasPrefix(word, "--") {
				return true
			}
		}
	}
	return false
}
