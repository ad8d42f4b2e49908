package phrase

// Language is how phrases are said in one language. It is made once and never changed, so any number may use it at once.
type Language struct {
	Tag string // as browsers and HTML name it: "en", "de"
	// Own is the language's name for itself.
	Own   string
	texts map[string][]string   // by English text, a context before it; one text for each form that counting has
	form  func(n int) int       // which of them n takes
	point string                // in 1.5
	group string                // in 1,234
	days  [7]string             // Sun … Sat
	month [12]string            // Jan … Dec
	known map[string][]*pattern // texts with places by one of their words, for sentences that came as text
}

// English is the language that everything is written in.
var English = NewLanguage("en", nil, nil)

// NewLanguage makes a language of a catalogue's texts and its rule of counting; without them it is English.
func NewLanguage(tag string, texts map[string][]string, form func(n int) int) *Language {
	l := &Language{Tag: tag, texts: texts, form: form, known: recognizable(texts)}
	l.Own = l.text(string(own))
	l.point, l.group = l.text(string(decimalPoint)), l.text(string(thousands))
	for i, d := range weekdays() {
		l.days[i] = l.text(string(d))
	}
	for i, m := range months() {
		l.month[i] = l.text(string(m))
	}
	return l
}

// text is the language's word for an English text without a number.
func (l *Language) text(id string) string {
	if said, ok := l.texts[id]; ok {
		return said[0]
	}
	return bare(id)
}

// plain is text for what may have come from elsewhere: where it is no text of the catalogue, it may have been made of one.
func (l *Language) plain(s string) string {
	if said, ok := l.recognize(s); ok {
		return said
	}
	return bare(s)
}

func (l *Language) counted(n int, one, many string) string {
	if said, ok := l.texts[one]; ok && l.form != nil {
		if i := l.form(n); i >= 0 && i < len(said) {
			return said[i]
		}
	}
	if n == 1 {
		return bare(one)
	}
	return bare(many)
}

// bare is a text without the context before it.
func bare(id string) string {
	for i := range len(id) {
		if id[i] == separator {
			return id[i+1:]
		}
	}
	return id
}

// Form is which of its forms a counted text takes for a number, from 0.
func (l *Language) Form(n int) int {
	if l.form != nil {
		return l.form(n)
	}
	if n == 1 {
		return 0
	}
	return 1
}
