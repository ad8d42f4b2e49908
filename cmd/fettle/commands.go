package main

import "github.com/alecthomas/kong"

// commands is the whole tree. Each command is a struct with its flags, its help with examples, and Run.
type commands struct {
	JSON bool `help:"Print the answer as JSON." short:"j"`

	Serve   serveCmd   `cmd:"" group:"appliance" help:"Run the appliance."`
	Init    initCmd    `cmd:"" group:"appliance" help:"Set a new appliance up on this machine."`
	Backup  backupCmd  `cmd:"" group:"appliance" help:"Write the whole appliance into one encrypted and signed file, or look at one."`
	Restore restoreCmd `cmd:"" group:"appliance" help:"Make an appliance out of a backup. On this box only."`
	Login   loginCmd   `cmd:"" group:"appliance" help:"Sign in to an appliance."`

	Status     statusCmd     `cmd:"" group:"see" help:"Show how the fleet, or one machine, is."`
	Machines   machinesCmd   `cmd:"" group:"see" help:"List, show, admit, revoke machines and read their ledgers."`
	Patches    patchesCmd    `cmd:"" group:"see" help:"Search and show patches."`
	Explain    explainCmd    `cmd:"" group:"see" help:"Say why a patch is or is not on a machine, gate by gate."`
	Ineligible ineligibleCmd `cmd:"" group:"see" help:"List what is approved for machines that are not eligible, by why."`
	Installed  installedCmd  `cmd:"" group:"see" help:"List what Fettle installed in a time, by which approval, and what detects say of it."`
	Report     reportCmd     `cmd:"" group:"see" help:"Report compliance per label, with honest denominators, now or over time."`
	Lint       lintCmd       `cmd:"" group:"see" help:"Find approvals, labels, rules and schedules that cannot do what was meant."`
	Storage    storageCmd    `cmd:"" group:"see" help:"Say how much the appliance keeps of what machines sent, and what it has let go."`
	Alarms     alarmsCmd     `cmd:"" group:"see" help:"List what needs a person's attention."`
	Audit      auditCmd      `cmd:"" group:"see" help:"Read and verify the audit log."`

	Approve   approveCmd   `cmd:"" group:"decide" help:"Approve patches for a label."`
	Decline   declineCmd   `cmd:"" group:"decide" help:"Decline patches for a label; declined beats approved."`
	Hold      holdCmd      `cmd:"" group:"decide" help:"Hold patches back until a moment."`
	Clear     clearCmd     `cmd:"" group:"decide" help:"Take the newest decision back."`
	Decisions decisionsCmd `cmd:"" aliases:"approvals" group:"decide" help:"List decisions and their history."`
	Proposals proposalsCmd `cmd:"" group:"decide" help:"Decisions that wait for a second person."`
	WhatIf    whatIfCmd    `cmd:"" group:"decide" help:"Say what a decision, label, rule, schedule or catalog would change, without making the change."`
	Rules     rulesCmd     `cmd:"" group:"decide" help:"Let conditions decide about patches, after they have been out for a while."`
	Labels    labelsCmd    `cmd:"" group:"decide" help:"Named sets of machines and of patches."`
	Deploy    deployCmd    `cmd:"" group:"decide" help:"Plan, apply, watch and halt deployments."`
	Rings     ringsCmd     `cmd:"" group:"decide" help:"The order in which patches reach the fleet, each step proven before the next."`
	Schedules schedulesCmd `cmd:"" group:"decide" help:"Deploy by itself what is approved, in recurring windows."`
	Blackouts blackoutsCmd `cmd:"" aliases:"blackout" group:"decide" help:"Days on which nothing is deployed: holidays, change freezes."`
	Updaters  updatersCmd  `cmd:"" group:"decide" help:"Other services that install updates: adopt them, raise alarms, or take over."`
	Calendar  calendarCmd  `cmd:"" group:"see" help:"Show what will be deployed when, and to whom."`

	Catalog  catalogCmd  `cmd:"" group:"sources" help:"Bring the catalog up to date, list it, or build one stand-alone."`
	Feeds    feedsCmd    `cmd:"" group:"sources" help:"Subscriptions to vendors' archives."`
	Payloads payloadsCmd `cmd:"" group:"sources" help:"Files of approved patches on the appliance."`
	Tokens   tokensCmd   `cmd:"" group:"sources" help:"Tokens with which machines enrol."`
	Users    usersCmd    `cmd:"" group:"sources" help:"People who may sign in."`
	Agents   agentsCmd   `cmd:"" group:"sources" help:"The agent's programs, for machines to install."`
	Notify   notifyCmd   `cmd:"" group:"sources" help:"Who is told what: by mail, webhook, Slack or Teams."`

	Detect   detectCmd   `cmd:"" group:"alone" help:"Judge every patch of a catalog on this machine, a directory or a facts file; no server."`
	Facts    factsCmd    `cmd:"" group:"alone" help:"Print this machine's facts; no server."`
	OVAL     ovalCmd     `cmd:"" name:"oval" group:"alone" help:"Judge OVAL definitions on this machine, a directory or system characteristics; no server."`
	Simulate simulateCmd `cmd:"" group:"appliance" help:"Load an appliance with a fleet that is not there, and print figures."`
	SDP      sdpCmd      `cmd:"" name:"sdp" group:"alone" help:"Judge WSUS Software Distribution Packages over a facts file; no server."`
	Version  versionCmd  `cmd:"" group:"alone" help:"Print the version, or compare package versions; no server."`
}

// helpGroups are the headings of the help, in their order.
func helpGroups() []kong.Group {
	return []kong.Group{
		{Key: "appliance", Title: "The appliance"},
		{Key: "see", Title: "See and explain"},
		{Key: "decide", Title: "Decide and deploy"},
		{Key: "sources", Title: "Sources, tokens, people"},
		{Key: "alone", Title: "Stand-alone, without a server"},
	}
}
