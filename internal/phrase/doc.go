// Package phrase is a sentence that can be said in more than one language: an English text with named places and the values that go there.
//
// It owns that value, how numbers, sizes, spans and moments are written in a language, and what a language is. It refuses catalogue files: whoever
// shows sentences to people reads those and makes the Languages. It is as small as a string, compares like one, and is English wherever
// nobody asks for another language: printed, in JSON, in a log.
package phrase
