package main

// restartDefects remove the controls of restarts that are planned for themselves.
var restartDefects = []Defect{
	{Name: "an order for a restart may ask for something else beside it", File: "internal/agent/order.go",
		Old: "if len(o.Items) != 1 || len(o.Items[0].Packages) > 0 ||", New: "if len(o.Items) != 1 && false ||", Test: "TestOrderIsRefused", In: "./internal/agent"},
	{Name: "an owner's no-reboot does not forbid a restart alone", File: "internal/agent/reboot.go",
		Old: "} else if slices.Contains(policy.Words, PolicyNoReboot) {", New: "} else if false {", Test: "TestRestartAlone", In: "./internal/agent"},
	{Name: "an owner's detect-only does not forbid a restart alone", File: "internal/agent/reboot.go",
		Old: "	policy := r.cfg.policy()\n	if ok, word := policy.Deploys(); !ok {", New: "	policy := r.cfg.policy()\n	if ok, word := policy.Deploys(); !ok && false {", Test: "TestRestartAlone", In: "./internal/agent"},
	{Name: "a restart alone does not ask the machine whether it still owes one", File: "internal/agent/reboot.go",
		Old: "if r.order.Reboot.Mode != patch.RebootForce && !r.cfg.Host.Reboot().Owed {", New: "if false {", Test: "TestRestartAlone", In: "./internal/agent"},
	{Name: "a restart that cuts its own command off is told as one that was not taken", File: "internal/agent/reboot.go",
		Old: "err != nil && ctx.Err() == nil { // an agent", New: "err != nil { // an agent", Test: "TestARestartCutsItsOwnCommandOff", In: "./internal/agent"},
	{Name: "a plan restarts machines that owe nothing", File: "internal/gate/restart.go",
		Old: "	case w.Machine.RebootOwed:\n", New: "	case true:\n", Test: "TestRestartGates", In: "./internal/gate"},
	{Name: "a restart is planned against an owner's no-reboot", File: "internal/gate/restart.go",
		Old: "} else if strings.Contains(\",\"+p+\",\", \",no-reboot,\") {", New: "} else if false {", Test: "TestRestartGates", In: "./internal/gate"},
	{Name: "a restart is planned in a blackout", File: "internal/gate/restart.go",
		Old: "{owed, freeze, window, machine,", New: "{owed, window, machine,", Test: "TestRestartsAloneKeepToTheGates", In: "./internal/story"},
	{Name: "a restart alone counts as done before another boot", File: "internal/ledger/effects.go",
		Old: "	case a.VerifiedSeq != 0 && boot != s.Boot:\n", New: "	case a.VerifiedSeq != 0:\n", Test: "TestRestartsAlone", In: "./internal/story"},
	{Name: "a deployment of restarts is over when its orders are taken", File: "internal/deploy/results.go",
		Old: "d.restartsDue(ctx, dep); err != nil || due {", New: "d.restartsDue(ctx, dep); err != nil && due {", Test: "TestRestartsAlone", In: "./internal/story"},
}
