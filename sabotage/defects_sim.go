package main

// simDefects remove controls that only show when machines crash, networks lose and people change their minds at the wrong moment: the
// simulated worlds must notice.
var simDefects = []Defect{
	{Name: "the journal is not made durable before what it announces", File: "internal/agent/journal.go",
		Old: "errors.Join(j.f.Sync(), j.told.done(j.f.Name()))", New: "errors.Join()", Test: "TestFleetInAnyWorld", In: "./internal/simfleet"},
	{Name: "an execution that was begun is not known after a crash", File: "internal/agent/execute.go",
		Old: "if err := r.journal.intend(in); err != nil {", New: "if err := error(nil); err != nil {", Test: "TestFleetInAnyWorld", In: "./internal/simfleet"},
	{Name: "an order goes out without asking the gates again", File: "internal/deploy/check.go",
		Old: "if !answer.Deployable {\n\t\tif waits", New: "if answer.Closed != nil && answer.Closed.Name == gate.Ring {\n\t\tif waits", Test: "TestFleetInAnyWorld", In: "./internal/simfleet"},
	{Name: "the agent does not look at the window before an install", File: "internal/agent/order.go",
		Old: "case now.After(o.Expires):", New: "case true:\n\t\treturn \"\"\n\tcase now.After(o.Expires):", Test: "TestFleetInAnyWorld", In: "./internal/simfleet"},
	{Name: "what an order executed is forgotten when its agent is killed", File: "internal/agent/resume.go",
		Old: "for _, in := range c.Intents {", New: "for _, in := range c.Intents[:0] {", Test: "TestFleetInAnyWorld", In: "./internal/simfleet"},
	{
		Name: "what was taken back is begun all the same",
		File: "internal/agent/execute.go",
		Old:  "err != nil || !begun {",
		New:  "err != nil || begun && false {",
		Test: "TestWhatIsTakenBackBetweenTwoStepsIsNotBegun", In: "./internal/agent",
	},
	{
		Name: "what has begun is taken back in the middle",
		File: "internal/agent/journal.go",
		Old:  "c.Last[r.Attempt].State == patch.ExecInstalling || ",
		New:  "",
		Test: "TestWhatHasBegunIsNotTakenBack", In: "./internal/agent",
	},
	{
		Name: "a patch that is being tried is begun without the appliance's word",
		File: "internal/agent/standing.go",
		Old:  "if err == nil || !item.AskFirst ||",
		New:  "if err == nil || true ||",
		Test: "TestWhatAsksFirstWaitsForAnAnswer", In: "./internal/agent",
	},
	{
		Name: "a decline does not reach a machine that holds an order",
		File: "internal/deploy/order.go",
		Old:  "if _, err := d.check(ctx, whole[0].Deployment, id, open); err != nil {",
		New:  "if _, err := d.check(ctx, whole[0].Deployment, id, nil); err != nil {",
		Test: "TestAnOrderGoesOutAheadOfItsWindow", In: "./internal/story",
	},
	{
		Name: "an order goes out however long before its window",
		File: "internal/deploy/check.go",
		Old:  " || begin.Sub(w.Now) > d.lead() {",
		New:  " {",
		Test: "TestAnOrderGoesOutAheadOfItsWindow", In: "./internal/story",
	},
	{
		Name: "failures of other files use up attempts of these",
		File: "internal/gate/ready.go",
		Old:  "return len(a.Files) > 0 && slices",
		New:  "return false && slices",
		Test: "TestOtherFilesAreTriedAnew", In: "./internal/story",
	},
	{
		Name: "a reset forgives what fails after it",
		File: "internal/gate/ready.go",
		Old:  "a.State.Ended() && !a.EndedAt.After(w.Reset.At):",
		New:  "a.State.Ended() && !w.Reset.At.IsZero():",
		Test: "TestAPersonResetsAttempts", In: "./internal/story",
	},
	{
		Name: "a plan file that was changed by hand is applied",
		File: "internal/plan/hash.go",
		Old:  "if Hash(old) != old.Hash {",
		New:  "if false {",
		Test: "TestAPlanForetells", In: "./internal/story",
	},
}
