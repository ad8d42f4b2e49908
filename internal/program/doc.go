// Package program owns the names of installed programs: Windows' list of them holds whatever an installer wrote, with versions,
// architectures and languages in the name and legal forms in the publisher. Keys are what is left without, so that "Editor 2.1 (x64)" by
// "Maker, Inc." and "Editor 2.2" by "Maker" are one program.
package program
