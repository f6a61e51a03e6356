# Part of _kernels.pyx: dropout and zoneout of one call of a recurrent layer, in the plan's order of rows.

@cython.final
cdef class Noise:
    """What RnnNoise points to."""
    cdef object x_factors, h_factors  # None, or (gates, batch, n)
    cdef object h_kept, c_kept        # None, or flat bytes
    cdef double h_zoneout, c_zoneout

    cdef take(self, Plan plan, int number, leading, input_dim, state, units, x_factors, h_factors, zoneout,
              int states):
        """What has been drawn; without it there is no noise."""
        self.x_factors = self.factors("x_factors", plan, number, (*leading, input_dim), x_factors)
        self.h_factors = self.factors("h_factors", plan, number, (*leading, state), h_factors)
        if len(zoneout) != states:
            raise ValueError(f"zoneout: expected {states} entries, got {len(zoneout)}")
        self.h_kept, self.h_zoneout = self.zoneout("zoneout[0]", plan, units, zoneout[0])
        self.c_kept, self.c_zoneout = self.zoneout("zoneout[1]", plan, units, zoneout[1]) if states == 2 else (None, 0)

    cdef RnnNoise call(self) noexcept:
        cdef RnnNoise call
        call.x_factors, call.h_factors = data(self.x_factors), data(self.h_factors)
        call.h_kept, call.c_kept = <const uint8_t*> data(self.h_kept), <const uint8_t*> data(self.c_kept)
        call.h_zoneout, call.c_zoneout = self.h_zoneout, self.c_zoneout
        return call

    cdef factors(self, str name, Plan plan, int number, shape, array):
        if array is None:
            return None
        check(name, array, number, shape)
        return contiguous(array if plan.uniform else array[:, plan.order()])

    cdef zoneout(self, str name, Plan plan, units, given):
        """(bytes that stay, None) or (None, share)."""
        if not isinstance(given, np.ndarray):
            share = float(given)
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"{name}: expected a share from 0 to 1, got {given!r}")
            return None, share
        shape = (plan.batch, plan.time, units)
        check_array(name, given)
        if given.dtype != np.bool_:
            raise TypeError(f"{name}: expected bool or a number, got {given.dtype}")
        if given.shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, got {given.shape}")
        steps = np.ascontiguousarray(given.transpose(1, 0, 2)).reshape(plan.time * plan.batch, units)
        kept = np.empty(plan.total * units + kZoneoutPadding, bool)
        kept[plan.total * units:] = False
        rows = kept[:plan.total * units].reshape(plan.total, units)
        if plan.uniform:
            rows[:] = steps
        else:
            np.take(steps, plan.places(), axis=0, out=rows)
        return kept, 0.0
