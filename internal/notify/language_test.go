package notify_test

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/notify"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// A message is written in its channel's language, whatever others get; what a notice is about stays a phrase while it waits in the store.
func TestMessagesAreWrittenInTheirChannelsLanguage(t *testing.T) {
	o := newOffice(t)
	h, pool := newHook(t)
	o.Roots = pool
	o.Languages = []*phrase.Language{phrase.English, phrase.NewLanguage("de", map[string][]string{
		"a patch is halted": {"ein Patch ist angehalten", "{n} Patches sind angehalten"}, "{1} is so": {"mit {1} ist es so"}, "because of {1}": {"wegen {1}"}, "Open Fettle": {"Fettle öffnen"},
	}, func(n int) int { return map[bool]int{true: 0, false: 1}[n == 1] })}
	for name, tag := range map[string]string{"en": "en", "none": "", "de": "de"} {
		o.put(notify.Request{Channel: patch.Channel{Name: name, Kind: patch.ByTeams, Language: tag}, URL: h.URL + "/" + name})
	}
	o.holds(both(), of(patch.AboutHalt, "perl", "curl")...)
	o.step(0)
	german := 0
	for i, body := range h.all() {
		want := []string{"Fettle: 2 patches are halted", "perl is so", "because of perl", "Open Fettle"}
		if h.got[i].URL.Path == "/de" {
			german++
			want = []string{"Fettle: 2 Patches sind angehalten", "mit perl ist es so", "wegen perl", "Fettle öffnen"}
		}
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: %q is not in %s", h.got[i].URL.Path, w, body)
			}
		}
	}
	if len(h.all()) != 3 || german != 1 {
		t.Errorf("%d messages, %d of them German", len(h.all()), german)
	}
	if _, err := o.Desk.Put(t.Context(), admin, notify.Request{Channel: patch.Channel{Name: "fr", Kind: patch.BySlack, Language: "fr"}, URL: h.URL}); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a language that nobody speaks here is taken: %v", err)
	}
}
