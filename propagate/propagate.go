// Package propagate plays scenarios on catalogs: what happens over time when services
// fail, when load changes, and when operators do something about it.
//
// [Run] makes a catalog ready and steps to the horizon of a scenario. It is a rate-level
// ("fluid") engine: it moves masses of requests and not single ones, so what it costs
// depends on services and steps and not on traffic, and it is deterministic. Queues
// keep what waits by the time at which it came, with what nobody waits for any more;
// retries, budgets, breakers and pools of threads are played as flows. So collapses
// that outlive their trigger come out by themselves, where they do. It is the mean of
// many requests: where few decide, it is wrong, and docs/validation.md says when.
//
// The parts:
//
//   - Package plan makes a catalog ready to play: calls, servers, their order, and
//     what is assumed where the catalog says nothing; model.go puts state beside it.
//   - engine.go is the step and the controller of its length; call.go is the side of
//     the caller, admission.go, start.go and legs.go that of the service; flight.go
//     keeps what is under way.
//   - Package mech is the behaviour of each mechanism.
//   - lease.go plays leases, cache.go what callers remember, instances.go services whose
//     instances are told apart, health_check.go what takes them out of rotation,
//     capacity.go instances that come and go and demand that comes back.
//   - operators.go is who sees what and acts when, for every engine (ledger.go and
//     actors.go are what another engine is handed); deeds.go is what they do here.
//   - chance.go draws flows, where chance is asked for.
//   - timetable.go makes the scenario happen.
//   - record.go and result.go are what came of it, states.go how a service looks from
//     outside, verdict.go and expect.go what is concluded, why.go the causes.
//
// Decisions are in docs/adr, from 0008 on.
package propagate
