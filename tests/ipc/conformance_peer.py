"""The other side of the conformance tests: a process that attaches its tickets and does what it is told, order by order."""

import gc
from multiprocessing import get_context

from conformance_samples import blank, plain

DEADLINE = 20.0


def serve(control, tickets, drops):
    for drop in drops:
        drop()
    ends = {}
    while True:
        try:
            order, *arguments = control.recv()
        except EOFError:
            return  # the tests are gone
        if order == "stop":
            break
        try:
            control.send(("done", ORDERS[order](ends, tickets, *arguments)))
        except Exception as error:
            control.send(("failed", f"{type(error).__name__}: {error}"))
    for end in ends.values():
        end.close()
    ends.clear()
    del tickets, drops
    gc.collect()
    control.send(("done", None))


def attach(ends, tickets, index):
    ends[index] = tickets[index].attach()


def echo(ends, tickets, index, count):
    """Send back what comes, before the next comes: a view needn't be copied for that."""
    end = ends[index]
    for _ in range(count):
        end.send(end.recv())


def echo_into(ends, tickets, index, count, kind, size):
    """Send back what was received into a buffer, or by recv() where there is nothing narrower."""
    end, buffer = ends[index], blank(kind, size)
    receive = end.into(buffer) if buffer is not None else None
    for _ in range(count):
        if receive:
            receive()
            end.send(buffer)
        else:
            end.send(end.recv())


def echo_in_place(ends, tickets, index, count):
    end = ends[index]
    for _ in range(count):
        message = end.recv()
        end.reserve()[: len(message)] = message
        end.commit(len(message))


def collect(ends, tickets, index, count):
    return [plain(ends[index].recv()) for _ in range(count)]


def collect_until(ends, tickets, index, last):
    """Everything up to the message that ends it, which is left out."""
    messages = []
    while (message := plain(ends[index].recv())) != last:
        messages.append(message)
    return messages


def send(ends, tickets, index, messages):
    for message in messages:
        ends[index].send(message)


def drain(ends, tickets, index):
    return ends[index].drain()


def close(ends, tickets, index):
    ends[index].close()
    ends.pop(index).close()


ORDERS = {
    function.__name__: function
    for function in (attach, echo, echo_into, echo_in_place, collect, collect_until, send, drain, close)
}


class Peer:
    """A process that runs `serve`, seen from the tests. Every answer has a deadline."""

    def __init__(self, method, tickets, spare=()):
        context = get_context(method)
        self.control, theirs = context.Pipe()
        drops = [ticket.drop for ticket in spare] + [self.control.close] if method == "fork" else []
        self.process = context.Process(target=serve, args=(theirs, tickets, drops), daemon=True)
        self.process.start()
        theirs.close()
        for ticket in tickets:
            ticket.drop()

    def tell(self, order, *arguments):
        self.control.send((order, *arguments))

    def answer(self):
        assert self.control.poll(DEADLINE), "the peer doesn't answer"
        outcome, value = self.control.recv()
        assert outcome == "done", value
        return value

    def ask(self, order, *arguments):
        self.tell(order, *arguments)
        return self.answer()

    def stop(self):
        self.ask("stop")
        self.process.join(DEADLINE)
        assert self.process.exitcode == 0, self.process.exitcode
        self._gone()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.join(DEADLINE)
            self._gone()

    def _gone(self):
        self.control.close()
        self.process.close()
        self.process = None
