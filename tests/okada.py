"""Okada's closed form, coded from the paper, apart from the code that it is compared with."""

import numpy as np

POISSON = 0.25


def okada(east, north, source):
    """Surface displacement of a finite rectangle after Okada (1985), equations 25 to 30."""
    strike, dip = np.radians(source.strike), np.radians(source.dip)
    cos, sin = (0.0, 1.0) if source.dip == 90 else (np.cos(dip), np.sin(dip))
    length, width, medium = source.length, source.width, 1 - 2 * POISSON
    along = np.sin(strike) * (east - source.east) + np.cos(strike) * (north - source.north)
    left = -np.cos(strike) * (east - source.east) + np.sin(strike) * (north - source.north)
    x, y = along + length / 2, left + width / 2 * cos
    depth = source.depth + width / 2 * sin
    p, q = y * cos + depth * sin, y * sin - depth * cos

    def terms(xi, eta):
        r = np.sqrt(xi**2 + eta**2 + q**2)
        yt, dt = eta * cos + q * sin, eta * sin - q * cos
        big = np.sqrt(xi**2 + q**2)
        if cos:
            i5 = 2 * medium / cos
            i5 *= np.arctan(
                (eta * (big + q * cos) + big * (r + big) * sin) / (xi * (r + big) * cos)
            )
            i4 = medium / cos * (np.log(r + dt) - sin * np.log(r + eta))
            i3 = medium * (yt / (cos * (r + dt)) - np.log(r + eta)) + sin / cos * i4
            i1 = -medium * xi / (cos * (r + dt)) - sin / cos * i5
        else:
            i5 = -medium * xi * sin / (r + dt)
            i4 = -medium * q / (r + dt)
            i3 = medium / 2 * (eta / (r + dt) + yt * q / (r + dt) ** 2 - np.log(r + eta))
            i1 = -medium / 2 * xi * q / (r + dt) ** 2
        i2 = -medium * np.log(r + eta) - i3
        angle = np.arctan(xi * eta / (q * r))
        to_eta, to_xi = 1 / (r * (r + eta)), 1 / (r * (r + xi))
        shear = [
            xi * q * to_eta + angle + i1 * sin,
            yt * q * to_eta + q * cos / (r + eta) + i2 * sin,
            dt * q * to_eta + q * sin / (r + eta) + i4 * sin,
        ]
        thrust = [
            q / r - i3 * sin * cos,
            yt * q * to_xi + cos * angle - i1 * sin * cos,
            dt * q * to_xi + sin * angle - i5 * sin * cos,
        ]
        turn = xi * q * to_eta - angle
        opening = [
            q**2 * to_eta - i3 * sin**2,
            -dt * q * to_xi - sin * turn - i1 * sin**2,
            yt * q * to_xi + cos * turn - i5 * sin**2,
        ]
        weights = np.array(source.slip) * [-1, -1, 1] / (2 * np.pi)
        return np.tensordot(weights, np.array([shear, thrust, opening]), axes=1)

    u = terms(x, p) - terms(x, p - width) - terms(x - length, p) + terms(x - length, p - width)
    return np.stack(
        [
            np.sin(strike) * u[0] - np.cos(strike) * u[1],
            np.cos(strike) * u[0] + np.sin(strike) * u[1],
            u[2],
        ],
        axis=-1,
    )
