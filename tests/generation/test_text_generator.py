"""Streams of text: pieces join to the whole, a cancel keeps what is there, the end has its reason."""

from alen.generation.stopping import StopScanner
from alen.generation.text_generator import TextStream
from alen.generation.ticket import Step


class Letters:
    """Token n is the n-th byte of UTF-8 text; whole characters only."""

    def __init__(self):
        self.held = b""

    def feed(self, token):
        self.held += bytes([token])
        try:
            text, self.held = self.held.decode(), b""
        except UnicodeDecodeError:
            return ""
        return text

    def finish(self):
        return self.held.decode(errors="replace")


def stream_of(text, reason="length", stop=(), prompt_tokens=3):
    closed = []

    def steps():
        try:
            for byte in text.encode():
                yield Step(byte, -0.5)
        finally:
            closed.append(True)
        return reason

    return TextStream(steps(), Letters(), StopScanner(stop), prompt_tokens), closed


def test_pieces_join_to_the_completion():
    stream, _ = stream_of("naïve – 日本")
    pieces = list(stream)
    assert pieces == list("naïve – 日本")
    done = stream.completion
    assert (done.text, done.finish_reason, done.prompt_tokens) == ("naïve – 日本", "length", 3)
    assert done.tokens == len("naïve – 日本".encode()) == len(done.token_ids) == len(done.logprobs)
    assert set(done.timings_ms) == {"prefill", "decode", "total"}


def test_no_piece_shows_a_part_of_a_stop_string():
    stream, closed = stream_of("one two END three", stop=["END"])
    pieces = list(stream)
    assert "".join(pieces) == "one two "
    assert not any("E" in piece for piece in pieces)
    assert stream.completion.finish_reason == "stop"
    assert closed
    assert stream.completion.tokens == len("one two END")


def test_text_that_only_began_a_stop_string_comes_at_the_end():
    stream, _ = stream_of("one EN", stop=["END"])
    assert stream.read().text == "one EN"


def test_a_character_that_never_became_whole():
    def steps():
        yield Step(0xE6, 0.0)
        return "length"

    assert TextStream(steps(), Letters(), StopScanner(()), 1).read().text == "\ufffd"


def test_closing_a_stream_keeps_its_text():
    stream, closed = stream_of("abcdef", stop=["cx"])
    assert next(stream) == "a"
    assert next(stream) == "b"
    stream.close()
    assert closed
    assert stream.completion.finish_reason == "cancelled"
    assert stream.completion.text == "ab"
    assert list(stream) == []
    stream.close()


def test_a_completion_before_the_end_is_what_is_there():
    stream, _ = stream_of("abc")
    next(stream)
    assert stream.completion.text == "a"
    assert stream.read().text == "abc"
