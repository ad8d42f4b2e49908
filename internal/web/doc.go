// Package web is the console: pages made on the server with html/template, their style sheet and two small scripts.
//
// It owns the console's own route table, the sign-in page and what a page says. A handler asks one or two stages and renders; it decides
// nothing about patches, holds no SQL and keeps no state between requests. Every page works without scripts; htmx only makes a
// preview or a running deployment change in place. Every string from a machine or a feed is hostile text and is never more than text.
//
// Every text goes through package translation. A template has it in brackets, as it reads in English: [[Sign out]], [[{{num .From}} of {{num .Total}}]],
// [[See <a href="/feeds">the feeds</a>.]], counted [[#len .List|{n} machine waits|{n} machines wait]], of several meanings [[verb::Hold]]; no if or range
// inside, and one whole sentence in each. In Go it is a phrase.Phrase: a constant ("Home", "verdict\x04unknown"), phrase.Of("{1} on {2}", a, b),
// phrase.Count(n, "{n} patch", "{n} patches"), phrase.Verbatim for what is data; templates say it in the reader's language by themselves ({{.Title}}), and
// word, num, when, ago, size and upper do so too. Then:
//
//	go test ./internal/web/translation -update    # writes messages.pot, and de.po with an empty msgstr for each new text
//
// fill in the German in de.po (words: docs/decisions/0014), take the template off unconverted in visible_test.go, and run the test again. After a
// rebase conflict in messages.pot or de.po keep the entries of both sides and run it with -update.
package web
