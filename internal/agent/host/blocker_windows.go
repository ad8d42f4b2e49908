package host

// Runs names the first of some programs that runs; empty where none does. Not being able to tell is an error and no "no".
func Runs(names []string) (who string, err error) { return runs(names) }
