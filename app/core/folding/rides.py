"""What a merge and those that it ships, too, tell each other when it does not go out."""

from app.core import events as ev
from app.core.folding.folding import Folding
from app.core.records import Ride


class FoldRides(Folding):
    """What a merge and those that it ships, too, tell each other when it does not go out."""

    def on_riders_told(self, e: ev.RidersTold) -> None:
        self.state.riders_told = e.how

    def on_ride_changed(self, e: ev.RideChanged) -> None:
        s = self.state
        if s.joined is None:
            raise LookupError(e.by.thread_id)
        if s.joined.ride is None:
            s.joined.ride = Ride(len(s.rides), e, self.at, self.at)
            s.rides.append(s.joined.ride)
        elif e.how == "goes on":
            s.joined.ride.goes_on_at = self.at
        else:
            ride = s.joined.ride
            ride.end, ride.ended_at, ride.goes_on_at = e, self.at, None
