// Package translation is the console's languages: the catalogues of texts, and templates made ready for one language.
//
// It owns messages.pot, every text in English as translators' tools read it, which its test writes from the source; a .po file for each other
// language; and the brackets by which templates mark their texts. A translation is text: it can place the links and values that the English
// text has, and can bring in nothing else. It says nothing to anybody by itself: package phrase does.
package translation
