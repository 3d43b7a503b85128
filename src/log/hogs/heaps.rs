//! Where a heap begins and ends: its banners, and rows that tell a heap without one.

use super::{Heap, Layout, REPEATED_ACTION, Reader, issue, records};
use crate::log::{
    line::{Banner, BannerKind},
    lines::Place,
    sections::Subject,
    sink::{HeapEvent, Severity, Sink},
};

impl Reader {
    pub(super) fn banner(&mut self, banner: &Banner<'_>, place: Place<'_>, sink: &mut Sink) {
        // Marks and words that are no heading part rows, not sections.
        let is_heading = banner.kind != BannerKind::Decoration;
        if !is_heading && !banner.words.is_empty() && !matches!(self.layout, Layout::Other(_)) {
            return self.keep("console", place, sink);
        }
        sink.piece.lines.structure += 1;
        if is_heading || matches!(self.layout, Layout::Other(_)) {
            self.close(place.line, sink);
        }
        if is_heading {
            self.section = sink.text(banner.words);
            self.at_prompt = false;
            let above = self.named_heap().or(self.heap_above);
            let heap = self.enter(banner);
            self.heap_above = above.filter(|_| matches!(banner.kind, BannerKind::Other | BannerKind::Spoilt(_)));
            self.heap = heap.map_or(Heap::Unnamed { announced: false }, Heap::Named);
            if let BannerKind::Hogs(heap) = banner.kind
                && !self.with_hogs.insert(heap)
            {
                issue(sink, Severity::Warning, "repeated_heap", place, REPEATED_ACTION);
            }
            if let Some((heap, event)) = event_of(banner.kind) {
                sink.enter_heap(Some(heap));
                sink.heap_event(place.line, event);
            }
        }
        if matches!(self.layout, Layout::Other(_)) {
            self.verbatim("banner", None, place, sink);
        }
    }

    /// Sets the layout, and gives the heap that the rows below belong to.
    fn enter(&mut self, banner: &Banner<'_>) -> Option<u64> {
        let (layout, heap) = match banner.kind {
            BannerKind::Start(heap) | BannerKind::Hogs(heap) => (Layout::Hogs, Some(heap)),
            BannerKind::Information(heap) => (Layout::Information, Some(heap)),
            BannerKind::OtherOfHeap(heap) => (Layout::Other(Subject::of(banner.words, true)), Some(heap)),
            BannerKind::End(_) => (Layout::Other(Subject::default()), None),
            BannerKind::Other | BannerKind::Spoilt(_) if records::names_hogs(banner.words) => (Layout::Hogs, None),
            BannerKind::Other | BannerKind::Spoilt(_) | BannerKind::Decoration => {
                (Layout::Other(Subject::of(banner.words, false)), None)
            }
        };
        self.layout = layout;
        heap
    }

    /// A record below a heading that names no heap: below `Memory Hogs` its heap is not known, below any other words it is
    /// that of the rows above, for hogs are below no other heading. Either way it is in doubt.
    pub(super) fn settle_heap(&mut self, place: Place<'_>, sink: &mut Sink) {
        let Some(above) = self.heap_above.take() else { return };
        let action = if self.layout == Layout::Hogs {
            "its heap, and that of the rows below it, is unknown: the heading above names none"
        } else {
            self.heap = Heap::Named(above);
            self.layout = Layout::Hogs;
            "it and the rows below it count for the heap of the rows above; the heading in between names none"
        };
        issue(sink, Severity::Warning, "heap_in_doubt", place, action);
    }

    pub(super) fn enter_heap(&mut self, place: Place<'_>, sink: &mut Sink) {
        match self.heap {
            Heap::Named(heap) => {
                sink.enter_heap(Some(heap));
            }
            Heap::Unnamed { announced } => {
                sink.enter_heap(None);
                if !announced {
                    sink.heap_event(place.line, HeapEvent::Open);
                    self.heap = Heap::Unnamed { announced: true };
                }
            }
        }
    }

    pub(super) fn named_heap(&self) -> Option<u64> {
        match self.heap {
            Heap::Named(heap) => Some(heap),
            Heap::Unnamed { .. } => None,
        }
    }
}

/// What a banner says of the heap it names.
fn event_of(kind: BannerKind) -> Option<(u64, HeapEvent)> {
    match kind {
        BannerKind::Start(heap) => Some((heap, HeapEvent::Start)),
        BannerKind::End(heap) => Some((heap, HeapEvent::End)),
        BannerKind::Hogs(heap) | BannerKind::Information(heap) | BannerKind::OtherOfHeap(heap) => {
            Some((heap, HeapEvent::Open))
        }
        BannerKind::Other | BannerKind::Spoilt(_) | BannerKind::Decoration => None,
    }
}
