//! Chance from a seed, and the weather of one simulated run. The core itself knows no chance.

pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// True in `per_mille` of a thousand cases.
    pub fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// Heavy-tailed: most are short, one in a thousand is a thousand times as long.
    pub fn duration(&mut self) -> u64 {
        let scale = 1 << self.next().trailing_zeros().min(12);
        1 + self.below(200 * scale)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len() as u64) as usize) }
    }
}

pub fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How bad the world is, per mille. Each seed has its own; some are calm from the start.
#[derive(Clone, Debug)]
pub struct Weather {
    pub reject: u64,
    pub broke: u64,
    pub defer: u64,
    pub flaky: u64,
    pub clash: u64,
    /// The answer of a landing.
    pub lost: u64,
    /// Edits out of scope: taken out, or asked for.
    pub stray: u64,
    pub moved: u64,
    pub twice: u64,
    pub late: u64,
    pub crash: u64,
    pub order: u64,
    pub replan: u64,
    pub cancel: u64,
}

impl Weather {
    pub fn of(chance: &mut Chance) -> Weather {
        let mut upto = |most: u64| if chance.below(3) == 0 { 0 } else { chance.below(most + 1) };
        Weather {
            reject: if upto(10) == 10 { 700 } else { upto(250) },
            broke: upto(150),
            defer: upto(150),
            flaky: upto(200),
            clash: upto(300),
            lost: upto(500),
            stray: upto(300),
            moved: upto(40),
            twice: upto(200),
            late: upto(300),
            crash: upto(60),
            order: upto(80),
            replan: upto(30),
            cancel: u64::from(upto(100) > 95) * 3,
        }
    }

    /// Faults stop. Two patches that clash still clash: that is no fault of the world.
    pub fn calm(&self) -> Weather {
        Weather { clash: self.clash, ..Weather::of(&mut Chance(0)).zeroed() }
    }

    fn zeroed(mut self) -> Weather {
        for figure in [
            &mut self.reject,
            &mut self.broke,
            &mut self.defer,
            &mut self.flaky,
            &mut self.lost,
            &mut self.stray,
            &mut self.moved,
            &mut self.twice,
            &mut self.late,
            &mut self.crash,
            &mut self.order,
            &mut self.replan,
            &mut self.cancel,
        ] {
            *figure = 0;
        }
        self
    }
}
