package gate

// Walk judges every gate of a world, in order.
func Walk(w World) Answer { return Answer{} }
