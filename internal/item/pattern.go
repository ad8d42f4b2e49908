package item

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	maxPattern  = 4096
	patternTime = 200 * time.Millisecond // of one match of a pattern that needs backtracking
	patternCost = 20_000                 // instructions that a linear pattern may have: some 2 MiB
)

// PatternOptions are OVAL's behaviors of patterns. The zero value is what entities are compared with.
type PatternOptions struct {
	IgnoreCase bool
	Multiline  bool // ^ and $ match at lines
	Singleline bool // . matches a line feed
}

// Pattern is a regular expression as Perl reads it. What Go's linear engine understands runs there; look-around, back references and
// the like run on a backtracking engine with a limit of time. It is safe for concurrent use.
type Pattern struct {
	linear *regexp.Regexp
	perl   *regexp2.Regexp // where linear is nil, or for text that ends with a line feed where dollar is set
	// Go's $ is the very end, Perl's is also before a last line feed.
	dollar bool
	cost   int
}

// CompilePattern fails where neither engine understands the expression.
func CompilePattern(expr string, o PatternOptions) (*Pattern, error) {
	if len(expr) > maxPattern {
		return nil, badPattern(expr[:40], "it is longer than 4,096 bytes")
	}
	flags := ""
	for _, f := range []struct {
		on   bool
		flag string
	}{{o.IgnoreCase, "i"}, {o.Multiline, "m"}, {o.Singleline, "s"}} {
		if f.on {
			flags += f.flag
		}
	}
	prefix := ""
	if flags != "" {
		prefix = "(?" + flags + ")"
	}
	expr, dollar := fromPerl(expr, o.Multiline)
	p := &Pattern{dollar: dollar}
	err := p.compileLinear(prefix + strings.ReplaceAll(expr, perlDollar, "$"))
	if err == nil && !dollar {
		return p, nil
	}
	var failed error
	if p.perl, failed = regexp2.Compile(prefix+strings.ReplaceAll(expr, perlDollar, `(?=\n?\z)`), regexp2.RE2); failed != nil {
		p.perl, p.dollar = nil, false
		if err != nil {
			return nil, badPattern(expr, failed.Error())
		}
		return p, nil
	}
	p.perl.MatchTimeout = patternTime
	return p, nil
}

// compileLinear refuses what repetitions of repetitions make large: the other engine counts them instead.
func (p *Pattern) compileLinear(expr string) (err error) {
	p.cost = 2 * len(expr)
	if strings.Contains(expr, "{") {
		tree, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			return err
		}
		program, err := syntax.Compile(tree.Simplify())
		if err != nil {
			return err
		}
		p.cost = len(program.Inst)
	}
	if p.cost > patternCost {
		p.cost = len(expr)
		return errors.New("it is too large")
	}
	p.linear, err = regexp.Compile(expr)
	return err
}

func badPattern(expr, why string) error {
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read the regular expression {1}", expr), Why: phrase.Verbatim(why)}
}

// perlDollar stands for a $ in fromPerl's result: a byte that no valid UTF-8 holds.
const perlDollar = "\xff"

// fromPerl replaces what both engines lack or read otherwise (\h, \H, \R, \N, \Z) and marks every $ that means "end".
func fromPerl(expr string, multiline bool) (_ string, dollar bool) {
	if !strings.ContainsAny(expr, `\$`) || !utf8.ValidString(expr) {
		return expr, false
	}
	multiline = multiline || strings.Contains(expr, "(?m") || strings.Contains(expr, "(?im") || strings.Contains(expr, "(?sm")
	var b strings.Builder
	class := false
	for i := 0; i < len(expr); i++ {
		c := expr[i]
		switch {
		case c == '\\' && i+1 < len(expr):
			i++
			b.WriteString(escape(expr[i:i+1], class))
			continue
		case c == '[' && !class:
			class = true
			b.WriteByte(c)
			i += classStart(expr[i+1:], &b)
			continue
		case c == '[' && strings.HasPrefix(expr[i:], "[:"):
			if end := strings.Index(expr[i:], ":]"); end > 0 {
				b.WriteString(expr[i : i+end+2])
				i += end + 1
				continue
			}
		case c == ']':
			class = false
		case c == '$' && !class && !multiline:
			b.WriteString(perlDollar)
			dollar = true
			continue
		}
		b.WriteByte(c)
	}
	return b.String(), dollar
}

// classStart copies what may stand literally at the start of a class: "^", "]", "^]". It gives its length.
func classStart(rest string, b *strings.Builder) int {
	n := 0
	if strings.HasPrefix(rest, "^") {
		n++
	}
	if strings.HasPrefix(rest[n:], "]") {
		b.WriteString(rest[:n] + `\]`)
		return n + 1
	}
	b.WriteString(rest[:n])
	return n
}

// escape translates what follows a backslash.
func escape(c string, class bool) string {
	switch {
	case c == "h" && class:
		return ` \t`
	case c == "h":
		return `[ \t]`
	case c == "H" && !class:
		return `[^ \t]`
	case c == "R" && !class:
		return `(?:\r\n|[\n\r\f\v])`
	case c == "Z" && !class:
		return `(?=\n?\z)`
	case c == "N" && !class:
		return `[^\n]`
	}
	return `\` + c
}

// Match reports whether the pattern is found in s. It fails where the match takes too long.
func (p *Pattern) Match(s string) (bool, error) {
	if p.linear != nil && !(p.dollar && strings.HasSuffix(s, "\n")) {
		return p.linear.MatchString(s), nil
	}
	ok, err := p.perl.MatchString(s)
	if err != nil {
		return false, tooLong()
	}
	return ok, nil
}

func tooLong() error {
	return &patch.Error{Kind: patch.Exhausted, What: "a regular expression was given up", Why: "it took longer than 200 ms"}
}

// Group is what one group of a match holds; In is false where it took no part.
type Group struct {
	Text string
	In   bool
}

// All gives the groups of the first matches, at most limit ones; group 0 of each is the whole match. It fails where that takes too long.
func (p *Pattern) All(s string, limit int) ([][]Group, error) {
	if p.linear != nil && !(p.dollar && strings.HasSuffix(s, "\n")) {
		return linearAll(p.linear.FindAllStringSubmatchIndex(s, limit), s), nil
	}
	var all [][]Group
	m, err := p.perl.FindStringMatch(s)
	for ; err == nil && m != nil && len(all) < limit; m, err = p.perl.FindNextMatch(m) {
		var groups []Group
		for _, g := range m.Groups() {
			groups = append(groups, Group{Text: g.String(), In: len(g.Captures) > 0})
		}
		all = append(all, groups)
	}
	if err != nil {
		return nil, tooLong()
	}
	return all, nil
}

func linearAll(matches [][]int, s string) [][]Group {
	all := make([][]Group, len(matches))
	for n, at := range matches {
		for i := 0; i < len(at); i += 2 {
			g := Group{In: at[i] >= 0}
			if g.In {
				g.Text = s[at[i]:at[i+1]]
			}
			all[n] = append(all[n], g)
		}
	}
	return all
}
