# SPDX-License-Identifier: MIT
# ruff: noqa: UP031 (some builds of MicroPython have only this)
#
# For the board: the part of unittest that MicroPython's own tests use. The sources come without
# micropython-lib, where they expect to find it.
import sys


class SkipTest(Exception):
    pass


class _Raises:
    def __init__(self, expected):
        self.expected = expected

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc, traceback):
        if exc_type is None:
            raise AssertionError("%r not raised" % (self.expected,))
        self.exception = exc
        return issubclass(exc_type, self.expected)


class _SubTest:
    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc, traceback):
        return False


class TestCase:
    def setUp(self):
        pass

    def tearDown(self):
        pass

    def fail(self, msg=None):
        raise AssertionError(msg or "fail() called")

    def skipTest(self, reason):
        raise SkipTest(reason)

    def subTest(self, msg=None, **params):
        return _SubTest()

    def _check(self, ok, msg, default):
        if not ok:
            raise AssertionError(msg or default)

    def assertEqual(self, x, y, msg=None):
        self._check(x == y, msg, "%r != %r" % (x, y))

    def assertNotEqual(self, x, y, msg=None):
        self._check(x != y, msg, "%r == %r" % (x, y))

    def assertTrue(self, x, msg=None):
        self._check(x, msg, "%r is not true" % (x,))

    def assertFalse(self, x, msg=None):
        self._check(not x, msg, "%r is not false" % (x,))

    def assertIs(self, x, y, msg=None):
        self._check(x is y, msg, "%r is not %r" % (x, y))

    def assertIsNone(self, x, msg=None):
        self._check(x is None, msg, "%r is not None" % (x,))

    def assertIn(self, x, y, msg=None):
        self._check(x in y, msg, "%r not in %r" % (x, y))

    def assertIsInstance(self, x, y, msg=None):
        self._check(isinstance(x, y), msg, "%r is not a %r" % (x, y))

    def assertAlmostEqual(self, x, y, places=7, msg=None, delta=None):
        limit = 0.5 * 10**-places if delta is None else delta
        self._check(abs(x - y) <= limit, msg, "%r != %r" % (x, y))

    def assertRaises(self, expected, function=None, *args, **kwargs):
        context = _Raises(expected)
        if function is None:
            return context
        with context:
            function(*args, **kwargs)


def skip(reason):
    def decorate(item):
        if isinstance(item, type):
            item.__unittest_skip__ = True
            return item

        def skipped(self):
            raise SkipTest(reason)

        return skipped

    return decorate


def skipIf(condition, reason):
    return skip(reason) if condition else lambda item: item


def skipUnless(condition, reason):
    return skipIf(not condition, reason)


class _Result:
    def __init__(self):
        self.ran = self.failures = self.errors = self.skipped = 0


def _run_method(case, name, result):
    result.ran += 1
    print("%s (%s) ..." % (name, type(case).__name__), end="")
    try:
        case.setUp()
        try:
            getattr(case, name)()
        finally:
            case.tearDown()
        print(" ok")
    except SkipTest as e:
        result.skipped += 1
        print(" skipped:", e)
    except AssertionError as e:
        result.failures += 1
        print(" FAIL")
        sys.print_exception(e)
    except Exception as e:
        result.errors += 1
        print(" ERROR")
        sys.print_exception(e)


def main(module="__main__"):
    result = _Result()
    module = __import__(module)
    for name in sorted(dir(module)):
        cls = getattr(module, name)
        if not isinstance(cls, type) or cls is TestCase or not issubclass(cls, TestCase):
            continue
        if hasattr(cls, "setUpClass"):
            cls.setUpClass()
        for method in sorted(dir(cls)):
            if method.startswith("test"):
                if hasattr(cls, "__unittest_skip__"):
                    result.ran += 1
                    result.skipped += 1
                else:
                    _run_method(cls(), method, result)
        if hasattr(cls, "tearDownClass"):
            cls.tearDownClass()
    print("-" * 70)
    print("Ran %d tests\n" % result.ran)
    if result.failures or result.errors:
        print("FAILED (failures=%d, errors=%d)" % (result.failures, result.errors))
    elif result.skipped:
        print("OK (skipped=%d)" % result.skipped)
    else:
        print("OK")
