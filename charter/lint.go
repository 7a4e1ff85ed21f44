package charter

func (r *reader) lint() {}
