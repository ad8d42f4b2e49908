package prediction

// pool keeps each value once and gives it a number. Numbers of values that nobody uses any more are given again.
type pool[K comparable, V any] struct {
	index  map[K]uint32
	keys   []K
	values []V
	uses   []uint32
	free   []uint32
}

// take gives the number of a value and counts one more use of it; make is called for a new one.
func (p *pool[K, V]) take(key K, make func() V) (n uint32, fresh bool) {
	if n, ok := p.index[key]; ok {
		p.uses[n]++
		return n, false
	}
	if last := len(p.free) - 1; last >= 0 {
		n, p.free = p.free[last], p.free[:last]
		p.keys[n], p.values[n], p.uses[n] = key, make(), 1
	} else {
		n = uint32(len(p.keys))
		p.keys, p.values, p.uses = append(p.keys, key), append(p.values, make()), append(p.uses, 1)
	}
	if p.index == nil {
		p.index = map[K]uint32{}
	}
	p.index[key] = n
	return n, true
}

// drop counts one use less, and reports whether it was the last.
func (p *pool[K, V]) drop(n uint32) (last bool) {
	if p.uses[n]--; p.uses[n] > 0 {
		return false
	}
	var key K
	var value V
	delete(p.index, p.keys[n])
	p.keys[n], p.values[n] = key, value
	p.free = append(p.free, n)
	return true
}

// size is how many values are in use.
func (p *pool[K, V]) size() int { return len(p.index) }
