package item

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// What Perl says of each pattern and text: "1", "0", or "e" where it cannot read the pattern.
const perlScript = `while (<STDIN>) { chomp; my ($p, $t) = map { pack "H*", $_ } split / /, $_, -1; no warnings;
my $r = eval { qr/$p/ }; print defined $r ? ($t =~ $r ? 1 : 0) : "e", "\n" }`

// OVAL's patterns are Perl's. Random ones mean the same to us, on both engines.
func TestPatternsAgreeWithPerl(t *testing.T) {
	if _, err := exec.LookPath("perl"); err != nil {
		t.Skip("SKIPPED: perl, the referee of patterns, is not installed")
	}
	r := rand.New(rand.NewPCG(7, 7))
	parts := strings.Split(`a b ab x . ^ $ \d \w \s \S \b [ab] [^a] [a-c] []x] [^]a] [[:digit:]] [$a] [\d-] a* b+ x? (a|b) (ab)* (?:a|) a{2} b{1,2} .{0,3} `+
		`(?=a) (?!b) (?<=a) (?<!b) (a)\1 \. \$ \/ \- \_ \h \H \R \t \n \Z \z \A (?i)A (?>a+) a*? \x61 \N`, " ")
	texts := strings.Split("a|b|ab|aab|abx|xab|a.b|aa|bb|A|1|a1|a 1|a\tb|a\n|ab\n|a\nb|\n||$a|]|-|_|/|a\n\n|b a", "|")
	type pair struct{ pattern, text string }
	var pairs []pair
	var in bytes.Buffer
	for range 6000 {
		var p strings.Builder
		for range 1 + r.IntN(4) {
			p.WriteString(parts[r.IntN(len(parts))])
		}
		x := pair{p.String(), texts[r.IntN(len(texts))]}
		pairs = append(pairs, x)
		fmt.Fprintf(&in, "%s %s\n", hex.EncodeToString([]byte(x.pattern)), hex.EncodeToString([]byte(x.text)))
	}
	perl := exec.Command("perl", "-e", perlScript)
	perl.Stdin = &in
	out, err := perl.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Fields(string(out))
	if len(answers) != len(pairs) {
		t.Fatalf("perl gave %d answers to %d questions", len(answers), len(pairs))
	}
	refused := 0
	for i, x := range pairs {
		got, why := Compare(PatternMatch, String, x.text, x.pattern)
		want := map[string]Value{"1": True, "0": False, "e": Error}[answers[i]]
		if got == Error && want != Error {
			refused++
			t.Logf("refused: %q: %s", x.pattern, why)
			continue
		}
		if got != want {
			t.Errorf("%q on %q is %s, Perl says %s", x.pattern, x.text, got, want)
		}
	}
	if refused > len(pairs)/100 {
		t.Errorf("%d of %d patterns are refused", refused, len(pairs))
	}
}
