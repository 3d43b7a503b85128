//! The imagined server: its modules and functions, and where one run of it loads them.

use super::super::random::Random;

/// A module file of the program.
#[derive(Debug)]
pub struct Module {
    /// Path as the log prints it.
    pub path: &'static str,
    /// Size of the image in memory.
    pub bytes: u64,
    /// Its part in a call stack.
    pub role: Role,
    /// Functions by name; for the product's modules, classes, each with every verb of [`VERBS`].
    words: &'static [&'static str],
}

/// The part of a module in a call stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Hands work to the services: outer frames.
    Framework,
    /// Does the work.
    Service,
    /// Called by services: inner frames.
    Library,
    /// Part of Windows that allocates for itself; none that stacks are never blamed on, such as combase in a log of addresses.
    SystemOwner,
    /// Part of Windows that only passes calls and memory on.
    System,
}

/// One place in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Place in [`MODULES`].
    pub module: usize,
    /// Number of the function in its module.
    pub function: u64,
    /// Bytes from the function's start.
    pub offset: u64,
}

const VERBS: [&str; 12] =
    ["Create", "Open", "Load", "Update", "Insert", "Append", "Resolve", "Apply", "Clone", "Flush", "Handle", "Run"];
/// Where functions start, in the first module; a little further in each one after it.
const FIRST_FUNCTION: u64 = 0x1000;
/// Room for one function in the image.
pub const FUNCTION_BYTES: u64 = 0x340;

const fn module(path: &'static str, bytes: u64, role: Role, words: &'static [&'static str]) -> Module {
    Module { path, bytes, role, words }
}

use Role::{Framework, Library, Service, System, SystemOwner};

/// Every module, in the order in which the log lists them. The names of the product are invented.
pub const MODULES: [Module; 44] = [
    module(r"C:\Program Files\Fernhollow\bin\fernhollow.exe", 0x1A4000, Framework, &["ServiceHost", "Startup"]),
    module(
        r"C:\Windows\SYSTEM32\ntdll.dll",
        0x1F8000,
        System,
        &[
            "RtlUserThreadStart",
            "TppWorkerThread",
            "RtlAllocateHeap",
            "RtlpAllocateHeapInternal",
            "RtlReAllocateHeap",
            "RtlCreateHeap",
            "LdrpLoadDllInternal",
            "LdrpAllocateDataTableEntry",
            "LdrpInitializeProcess",
        ],
    ),
    module(r"C:\Windows\System32\KERNEL32.DLL", 0xBD000, System, &["BaseThreadInitThunk"]),
    module(r"C:\Windows\System32\KERNELBASE.dll", 0x2C8000, System, &["LoadLibraryExW"]),
    module(r"C:\Windows\System32\ucrtbase.dll", 0x100000, System, &["_malloc_base", "_realloc_base", "thread_start"]),
    module(r"C:\Windows\System32\msvcrt.dll", 0x9E000, System, &["malloc", "_threadstartex"]),
    module(r"C:\Windows\SYSTEM32\VCRUNTIME140.dll", 0x1B000, System, &["memcpy"]),
    module(r"C:\Windows\SYSTEM32\MSVCP140.dll", 0x8D000, System, &["std::_Xlength_error"]),
    module(r"C:\Windows\System32\RPCRT4.dll", 0x123000, SystemOwner, &["Invoke", "NdrStubCall2", "DispatchToStub"]),
    module(r"C:\Windows\System32\WINHTTP.dll", 0x354000, SystemOwner, &["WinHttpOpen", "WinHttpSendRequest"]),
    module(r"C:\Windows\System32\CRYPT32.dll", 0x160000, SystemOwner, &["CertOpenStore", "CertAddToStore"]),
    module(r"C:\Windows\System32\bcrypt.dll", 0x27000, SystemOwner, &["BCryptGenerateKey"]),
    module(r"C:\Windows\System32\WS2_32.dll", 0x6B000, SystemOwner, &["WSASocketW", "GetAddrInfoExW"]),
    module(r"C:\Windows\system32\mswsock.dll", 0x6A000, SystemOwner, &["WSPSocket"]),
    module(r"C:\Windows\System32\ADVAPI32.dll", 0xAE000, SystemOwner, &["EventRegister"]),
    module(r"C:\Windows\System32\sechost.dll", 0x9C000, System, &["ScDispatcherLoop"]),
    module(r"C:\Program Files\Fernhollow\bin\fhcore.dll", 0x2C1000, Framework, &["Dispatcher", "WorkItem", "Registry"]),
    module(r"C:\Program Files\Fernhollow\bin\fhhost.dll", 0x96000, Framework, &["PluginHost", "Module"]),
    module(r"C:\Program Files\Fernhollow\bin\fhqueue.dll", 0x7A000, Framework, &["MessageQueue", "Ticket", "Lane"]),
    module(r"C:\Program Files\Fernhollow\bin\fhnet.dll", 0xD2000, Service, &["Connection", "Request", "TlsChannel"]),
    module(r"C:\Program Files\Fernhollow\bin\fhsession.dll", 0x88000, Service, &["SessionTable", "Session", "Token"]),
    module(r"C:\Program Files\Fernhollow\bin\fhorders.dll", 0x1B7000, Service, &["Order", "OrderLine", "Basket"]),
    module(r"C:\Program Files\Fernhollow\bin\fhpricing.dll", 0xEF000, Service, &["PriceRule", "Discount", "Quote"]),
    module(
        r"C:\Program Files\Fernhollow\bin\fhcatalog.dll",
        0x13A000,
        Service,
        &["ArticleCache", "Article", "Variant"],
    ),
    module(r"C:\Program Files\Fernhollow\bin\fhpreview.dll", 0xA5000, Service, &["PagePreview", "Thumbnail", "Canvas"]),
    module(r"C:\Program Files\Fernhollow\bin\fhaudit.dll", 0x6E000, Service, &["AuditTrail", "AuditEntry"]),
    module(r"C:\Program Files\Fernhollow\bin\fhlabels.dll", 0x59000, Service, &["LabelSheet", "Barcode"]),
    module(r"C:\Program Files\Fernhollow\bin\fhroutes.dll", 0xC8000, Service, &["RoutePlan", "Stop", "Leg"]),
    module(r"C:\Program Files\Fernhollow\bin\fhgeo.dll", 0x2F4000, Library, &["Tile", "Polygon", "PointIndex"]),
    module(r"C:\Program Files\Fernhollow\bin\fhstock.dll", 0x9D000, Service, &["StockLevel", "Reservation", "Bin"]),
    module(r"C:\Program Files\Fernhollow\bin\fhcustomers.dll", 0xB1000, Service, &["Customer", "Address", "Contact"]),
    module(r"C:\Program Files\Fernhollow\bin\fhbilling.dll", 0x104000, Service, &["Invoice", "Payment", "Ledger"]),
    module(r"C:\Program Files\Fernhollow\bin\fhreports.dll", 0xE6000, Service, &["Report", "Column", "Pivot"]),
    module(r"C:\Program Files\Fernhollow\bin\fhsearch.dll", 0x12C000, Service, &["Posting", "Lexicon", "Ranking"]),
    module(r"C:\Program Files\Fernhollow\bin\fhmail.dll", 0x74000, Service, &["Outbox", "Envelope"]),
    module(r"C:\Program Files\Fernhollow\bin\fhlicence.dll", 0x3C000, Service, &["Licence"]),
    module(r"C:\Program Files\Fernhollow\bin\fhjson.dll", 0x48000, Library, &["Document", "Node", "Reader"]),
    module(r"C:\Program Files\Fernhollow\bin\fhzip.dll", 0x2D000, Library, &["Inflater", "Window"]),
    module(r"C:\Program Files\Fernhollow\bin\fhimage.dll", 0x1E9000, Library, &["Bitmap", "Decoder", "Palette"]),
    module(r"C:\Program Files\Fernhollow\bin\fhsqlbridge.dll", 0x8F000, Library, &["Statement", "RowSet", "Cursor"]),
    module(r"C:\Program Files\Fernhollow\bin\osprxml.dll", 0xFA000, Library, &["Element", "Attribute", "Parser"]),
    module(r"C:\Program Files\Fernhollow\bin\marlinsql.dll", 0x1D3000, Library, &["Page", "Pager", "Plan"]),
    module(r"D:\Fernhollow\Zusätze\fhzoll.dll", 0x41000, Service, &["Zollposition", "Tarif"]),
    module(r"C:\Windows\System32\OLEAUT32.dll", 0xCD000, System, &["DispCallFunc"]),
];

/// The module with the leak.
pub const CULPRIT: &str = "fhpreview";
/// The module whose cache fills up.
pub const CACHE: &str = "fhcatalog";
/// The module in which memory changes hands without growing.
pub const FALSE_ALARM: &str = "fhsession";

impl Module {
    /// File name without extension, as debuggers print it.
    pub fn name(&self) -> &'static str {
        let file = self.path.rsplit('\\').next().unwrap_or(self.path);
        file.rsplit_once('.').map_or(file, |(stem, _)| stem)
    }

    /// True for a part of Windows.
    pub fn is_system(&self) -> bool {
        matches!(self.role, System | SystemOwner)
    }

    /// The names of the classes of a module of the product.
    pub fn classes(&self) -> Option<&'static [&'static str]> {
        (!self.is_system()).then_some(self.words)
    }

    /// How many functions it has.
    pub fn function_count(&self) -> u64 {
        let count = self.words.len() as u64;
        if self.is_system() { count } else { count * VERBS.len() as u64 }
    }

    /// Where a function begins, from the base of the module at a place in [`MODULES`].
    pub fn function_start(place: usize, number: u64) -> u64 {
        FIRST_FUNCTION + place as u64 * 0x130 + number * FUNCTION_BYTES
    }

    /// The name of a function.
    pub fn function_name(&self, number: u64) -> String {
        if self.is_system() {
            return self.words[number as usize].to_owned();
        }
        if number == self.function_count() {
            return "operator new".to_owned();
        }
        let verbs = VERBS.len() as u64;
        format!("{}::{}", self.words[(number / verbs) as usize], VERBS[(number % verbs) as usize])
    }
}

/// Place of a module in [`MODULES`] by its name; the first if there is none of this name.
pub fn module_named(name: &str) -> usize {
    MODULES.iter().position(|module| module.name() == name).unwrap_or_default()
}

/// Place of a function of Windows.
pub fn system(module: &str, function: &str, offset: u64) -> Frame {
    let module = module_named(module);
    let place = MODULES[module].words.iter().position(|word| *word == function);
    Frame { module, function: place.unwrap_or_default() as u64, offset }
}

impl Frame {
    /// Distance from the module's base.
    fn relative(self) -> u64 {
        Module::function_start(self.module, self.function) + self.offset
    }

    /// `fhorders!Basket::Insert+0x0000004C`
    pub fn resolved(self) -> String {
        let module = &MODULES[self.module];
        format!("{}!{}+0x{:08X}", module.name(), module.function_name(self.function), self.offset)
    }
}

/// A frame in some function of a module.
pub fn some_frame(random: &mut Random, module: usize) -> Frame {
    let function = random.below(MODULES[module].function_count());
    Frame { module, function, offset: random.between(0x10, FUNCTION_BYTES - 0x10) }
}

/// The `operator new` that is linked into a module of the product.
pub fn operator_new(module: usize) -> Frame {
    Frame { module, function: MODULES[module].function_count(), offset: 0x1F }
}

/// Where one run of the program loaded its modules, and its process id.
pub struct Run {
    /// Base of each of [`MODULES`].
    pub bases: Vec<u64>,
    /// Process id.
    pub pid: u64,
}

impl Run {
    /// The run of a number; another number, other addresses.
    pub fn new(seed: u64, number: u64, is_64_bit: bool) -> Self {
        let mut random = Random::of(seed, "run", number);
        let (product, system, gap) = if is_64_bit {
            (0x7FF8_1000_0000, 0x7FFC_4000_0000, 0x40_0000)
        } else {
            (0x5800_0000, 0x7000_0000, 0x4_0000)
        };
        let mut next = [product, system];
        let mut place = |module: &Module| {
            let next = &mut next[usize::from(module.is_system())];
            let base = (*next + random.below(gap)).next_multiple_of(0x1_0000);
            *next = base + module.bytes;
            base
        };
        let bases = MODULES.iter().map(&mut place).collect();
        Self { bases, pid: 4 * random.between(300, 6000) }
    }

    /// The return address of a frame.
    pub fn address(&self, frame: Frame) -> u64 {
        self.bases[frame.module] + frame.relative()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_do_not_overlap_and_hold_their_functions() {
        for is_64_bit in [true, false] {
            let run = Run::new(1, 0, is_64_bit);
            let mut places: Vec<(u64, u64)> =
                run.bases.iter().zip(&MODULES).map(|(base, module)| (*base, module.bytes)).collect();
            places.sort_unstable();
            assert!(places.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
            assert!(is_64_bit || places.iter().all(|(base, bytes)| base + bytes < 0x8000_0000));
            assert!(
                MODULES.iter().all(|module| 0x5000 + (module.function_count() + 1) * FUNCTION_BYTES <= module.bytes)
            );
        }
    }

    #[test]
    fn frames_resolve_to_their_names() {
        assert_eq!(system("ntdll", "RtlAllocateHeap", 0x274).resolved(), "ntdll!RtlAllocateHeap+0x00000274");
        assert_eq!(operator_new(module_named("fhcore")).resolved(), "fhcore!operator new+0x0000001F");
        assert_eq!([CULPRIT, CACHE, FALSE_ALARM].map(module_named).iter().filter(|place| **place > 0).count(), 3);
    }
}
