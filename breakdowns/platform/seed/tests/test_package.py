"""What is there before anything is built."""

import unittest

import depot


class PackageTest(unittest.TestCase):
    def test_the_package_says_what_it_is(self):
        self.assertTrue(depot.__doc__)
