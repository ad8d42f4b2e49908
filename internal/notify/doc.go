// Package notify tells people what they want to know, where they want to be told: by mail, by signed webhook, in Slack or Teams.
//
// It owns channels, what waits to be told, and the log of what was. Halts and alarms are told at once; everything else is gathered, so that
// there is one message per subject and window. A message is kept before it is sent and tried until it arrives: at least once, always with the
// same ID. It refuses addresses inside the appliance's own machine and network segment unless the operator's configuration names them,
// follows no redirect, shows no answer's body to anybody, and never gives a secret out again. It does not look for what there is to tell:
// that is given to it as Sources.
package notify
