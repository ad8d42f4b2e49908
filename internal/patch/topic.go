package patch

// Topic names a part of what the appliance knows, for whoever wants to be told that it has changed. What changed is looked up, never sent.
type Topic string

// The topics.
const (
	TopicMachines    Topic = "machines"    // a machine enrolled, checked in, detected or was admitted
	TopicDeployments Topic = "deployments" // one was applied or halted, or a machine reported about its orders
	TopicRings       Topic = "rings"       // a ring was changed, or a patch went on, halted or was resumed
	TopicDecisions   Topic = "decisions"   // a decision, proposal, label, rule or schedule
	TopicCatalog     Topic = "catalog"     // feeds, lists of patches, files on the appliance
)
